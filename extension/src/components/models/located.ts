import { Analysis } from '../../api/port';

/** Choices that name a file, beside the data. */
const FILES = ['model', 'policy', 'plan', 'new_rows'];

/** The choices of a notebook as the workspace sees them: a notebook's paths begin at its own folder. */
export function located(analysis: Analysis, notebook: string): Analysis {
  const folder = notebook.split('/').slice(0, -1);
  const place = (source: unknown) =>
    typeof source === 'string' && isFile(source)
      ? joined(folder, source)
      : source;
  const recipe = analysis.recipe?.map(step =>
    'data' in step ? { ...step, data: place(step.data) } : step
  );
  const files = FILES.filter(name => name in analysis);
  return {
    ...analysis,
    ...Object.fromEntries(files.map(name => [name, place(analysis[name])])),
    data: place(analysis.data) as string,
    ...(recipe && { recipe })
  };
}

/** Neither an address nor a sample nor a stored dataset. */
function isFile(source: string): boolean {
  const name = source.split('/').at(-1) ?? '';
  return (
    name.includes('.') &&
    !/^[a-z][a-z0-9+.-]*:/i.test(source) &&
    !source.startsWith('/') &&
    !/@\d+$/.test(source)
  );
}

function joined(folder: string[], source: string): string {
  const parts = [...folder];
  for (const part of source.split('/')) {
    if (part === '..' && parts.length > 0) {
      parts.pop();
    } else if (part !== '.') {
      parts.push(part);
    }
  }
  return parts.join('/');
}
