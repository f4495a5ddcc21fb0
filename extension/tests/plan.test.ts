import { FakeWorkbench, sleepCells } from '../src/api/fake';
import { Cell } from '../src/api/port';
import { plan } from '../src/panels/plan';

async function planned(
  cells: Cell[],
  through: string,
  options: { force?: string[]; ran?: (cell: Cell) => boolean } = {}
): Promise<string[]> {
  const { steps } = await new FakeWorkbench().inspect(cells);
  const legs = plan({
    cells,
    steps,
    through,
    ran: options.ran ?? (cell => cell.execution_count !== null),
    force: new Set(options.force)
  });
  return legs.flatMap(leg => leg.cells);
}

it('runs the parameters with the first step', async () => {
  expect(await planned(sleepCells(0), 'data')).toEqual(['parameters', 'data']);
});

it('runs only the next step when the kernel knows what is above', async () => {
  expect(await planned(sleepCells(3), 'prior')).toEqual(['prior']);
});

it('runs everything above again in a new kernel', async () => {
  const ids = await planned(sleepCells(3), 'prior', { ran: () => false });
  expect(ids).toEqual(['parameters', 'data', 'question', 'model', 'prior']);
});

it('runs a forced step and what depends on it, not what is above', async () => {
  const ids = await planned(sleepCells(8), 'sampling', { force: ['fit'] });
  expect(ids).toEqual(['fit', 'sampling']);
});

it('runs everything again that stands below changed parameters', async () => {
  const ids = await planned(sleepCells(8), 'model', {
    ran: cell => cell.id !== 'parameters'
  });
  expect(ids).toEqual(['parameters', 'data', 'question', 'model']);
});

it('runs a cell that the user added and what is below it, and skips empty and text cells', async () => {
  const own = (id: string, cell_type: string, source: string): Cell => ({
    ...sleepCells(0)[0]!,
    id,
    cell_type,
    source,
    metadata: {}
  });
  const cells = sleepCells(3);
  cells.splice(
    2,
    0,
    own('mine', 'code', 'x = 1'),
    own('empty', 'code', ' '),
    own('text', 'markdown', '# Title')
  );
  expect(await planned(cells, 'prior')).toEqual([
    'mine',
    'question',
    'model',
    'prior'
  ]);
});
