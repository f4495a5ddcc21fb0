import {
  Cell as CellWidget,
  ICellModel,
  isCodeCellModel
} from '@jupyterlab/cells';
import { IError, isError } from '@jupyterlab/nbformat';
import { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { Kernel } from '@jupyterlab/services';

import { Cell, Edit, Lineage, Verdict, VERDICT_MIME } from '../api/port';

/** The live notebook as the server judges it. */
export function project(panel: NotebookPanel): Cell[] {
  return panel.content.widgets.map(widget => projectCell(widget.model));
}

function projectCell(model: ICellModel): Cell {
  const { tags, modelcompose, jupyter } = model.metadata as Cell['metadata'];
  return {
    id: model.id,
    cell_type: model.type,
    source: model.sharedModel.getSource(),
    metadata: { tags, modelcompose, jupyter },
    execution_count: isCodeCellModel(model) ? model.executionCount : null,
    verdict: verdictOf(model)
  };
}

function verdictOf(model: ICellModel): Verdict | null {
  if (!isCodeCellModel(model)) {
    return null;
  }
  const { outputs } = model;
  for (let index = outputs.length - 1; index >= 0; index--) {
    const verdict = outputs.get(index).data[VERDICT_MIME];
    if (verdict) {
      return verdict as unknown as Verdict;
    }
  }
  return null;
}

/** Whether it is worth asking the server about this notebook. */
export function looksLikeAnalysis(cells: Cell[]): boolean {
  return cells.some(
    ({ metadata }) =>
      metadata.modelcompose?.step !== undefined ||
      metadata.tags?.includes('parameters')
  );
}

/** What was written, as long as nobody wrote over it. */
export interface Undoable {
  /** Whether the cells still are as they were written. */
  stands(): boolean;
  undo(): void;
}

/** Write the edits into the shared model so that each can be undone, and co-editors see it. */
export function applyEdits(panel: NotebookPanel, edits: Edit[]): Undoable {
  const notebook = panel.content.model!.sharedModel;
  const write = () => {
    for (const edit of edits) {
      const cell = notebook.cells.find(({ id }) => id === edit.id);
      // Undo is kept per cell or per document; a transaction of the cell itself is recorded by both.
      cell?.transact(() => {
        cell.setSource(edit.source);
        for (const [key, value] of Object.entries(edit.metadata)) {
          cell.setMetadata(key, value as never);
        }
      });
    }
  };
  const perCell = notebook.disableDocumentWideUndoRedo;
  if (perCell) {
    write();
  } else {
    notebook.transact(write);
  }
  const written = edits.map(({ id, source }) => ({
    cell: notebook.cells.find(cell => cell.id === id),
    source
  }));
  return {
    stands: () =>
      written.length > 0 &&
      written.every(({ cell, source }) => cell?.getSource() === source),
    undo: () => {
      if (perCell) {
        written.forEach(({ cell }) => cell?.undo());
      } else {
        notebook.undo();
      }
    }
  };
}

const OURS = 'modelcompose';

/** What was changed in a notebook, round by round; it stands in the notebook itself. */
export function readLineage(panel: NotebookPanel): Lineage | null {
  const lineage = ours(panel).lineage as Lineage | undefined;
  return Array.isArray(lineage?.rounds) && lineage.rounds.length > 0
    ? lineage
    : null;
}

export function writeLineage(
  panel: NotebookPanel,
  lineage: Lineage | null
): void {
  const others = { ...ours(panel) };
  delete others.lineage;
  panel.content.model?.sharedModel.setMetadata(OURS, {
    ...others,
    ...(lineage && { lineage })
  } as never);
}

function ours(panel: NotebookPanel): Record<string, unknown> {
  const found = panel.content.model?.sharedModel.getMetadata(OURS);
  return (found ?? {}) as Record<string, unknown>;
}

export function widgetsOf(panel: NotebookPanel, ids: string[]): CellWidget[] {
  return panel.content.widgets.filter(({ model }) => ids.includes(model.id));
}

/** The cell whose turn it is: cells that wait in the kernel's queue count as running, too. */
export function runningCell(panel: NotebookPanel): string | null {
  const running = panel.content.widgets.find(
    ({ model }) => isCodeCellModel(model) && model.executionState === 'running'
  );
  return running?.model.id ?? null;
}

/** Bring the first cell of a step into view. */
export function showStep(notebook: Notebook, step: string): void {
  const widget = notebook.widgets.find(
    ({ model }) => model.getMetadata('modelcompose')?.step === step
  );
  if (widget) {
    // What was selected before would run together with this cell.
    notebook.deselectAll();
    notebook.activeCellIndex = notebook.widgets.indexOf(widget);
    void notebook.scrollToCell(widget, 'start');
  }
}

export function errorOf(panel: NotebookPanel, ids: string[]): IError | null {
  for (const { model } of widgetsOf(panel, ids)) {
    const outputs = isCodeCellModel(model) ? model.outputs.toJSON() : [];
    const error = outputs.find(isError);
    if (error) {
      return error;
    }
  }
  return null;
}

const INPUTS = `__import__("base64").b64encode(__import__("json").dumps(
  get_ipython().history_manager.input_hist_raw).encode()).decode()`.replace(
  /\n\s*/,
  ''
);

/** What the kernel has executed, by execution count; empty for a kernel that cannot tell. */
async function executedSources(
  kernel: Kernel.IKernelConnection
): Promise<string[]> {
  const reply = await kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: { inputs: INPUTS }
  }).done;
  if (reply.content.status !== 'ok') {
    return [];
  }
  const answer = reply.content.user_expressions.inputs as
    { data?: Record<string, string> } | undefined;
  const encoded = answer?.data?.['text/plain']?.slice(1, -1);
  return encoded ? JSON.parse(fromBase64(encoded)) : [];
}

function fromBase64(text: string): string {
  const bytes = Uint8Array.from(atob(text), byte => byte.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** A test whether a cell, as it stands, already ran in this kernel. */
export async function ranIn(
  kernel: Kernel.IKernelConnection
): Promise<(cell: Cell) => boolean> {
  const sources = await executedSources(kernel);
  return cell =>
    cell.execution_count !== null &&
    sources[cell.execution_count]?.trimEnd() === cell.source.trimEnd();
}

/** Wait until the kernel accepts work: JupyterLab silently drops cells that are run before. */
export async function readyKernel(
  panel: NotebookPanel
): Promise<Kernel.IKernelConnection | null> {
  await panel.context.ready;
  await panel.sessionContext.ready;
  if (panel.sessionContext.hasNoKernel) {
    await panel.sessionContext.startKernel();
  }
  const kernel = panel.sessionContext.session?.kernel ?? null;
  await kernel?.info;
  return kernel;
}
