import { FakeWorkbench, sleepCells } from '../src/api/fake';
import { Cell, WorkflowName } from '../src/api/port';
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

/** The cells of a notebook that was run to its end; `later` were executed again after that. */
function done(workflow: WorkflowName = 'simple', later: string[] = []): Cell[] {
  return sleepCells(18, workflow).map(cell => ({
    ...cell,
    execution_count: cell.execution_count! + 100 * (1 + later.indexOf(cell.id))
  }));
}

it('runs the parameters with the first step', async () => {
  expect(await planned(sleepCells(0), 'data')).toEqual(['parameters', 'data']);
});

it('runs only the next step when the kernel knows what is above', async () => {
  expect(await planned(sleepCells(3), 'prior')).toEqual(['prior']);
});

it('runs in a new kernel what the step needs, and nothing else', async () => {
  const ids = await planned(done('full'), 'answer', {
    ran: () => false,
    force: ['answer']
  });
  expect(ids).toEqual([
    ...['parameters', 'data', 'model', 'fit', 'sampling', 'posterior'],
    'answer'
  ]);
});

it('runs a forced step and what depends on it, not what is above', async () => {
  const ids = await planned(done(), 'sampling', { force: ['fit'] });
  expect(ids).toEqual(['fit', 'sampling']);
});

it('makes the model again after the parameters have taken its name, and fits nothing for that', async () => {
  const cells = done('simple', ['parameters', 'data']);
  const ids = await planned(cells, 'answer', { force: ['answer'] });
  expect(ids).toEqual(['model', 'answer']);
});

it('reads the parameters again with the table, since the model took one of their names', async () => {
  const ids = await planned(done(), 'data', { force: ['data'] });
  expect(ids).toEqual(['parameters', 'data']);
});

it('runs what was made from an earlier fit before it is used', async () => {
  const cells = done('full', ['fit']);
  const ids = await planned(cells, 'influence', { force: ['influence'] });
  expect(ids).toEqual(['posterior', 'calibration', 'influence']);
});

it('reads changed parameters anew, and runs only the steps that depend on them', async () => {
  const cells = done();
  cells[0]!.source += '\nestimand = "Something else?"';
  const ids = await planned(cells, 'answer', {
    ran: cell => cell.id !== 'parameters'
  });
  expect(ids).toEqual(['parameters', 'data', 'model', 'answer']);
});

it('runs everything that a changed choice reaches', async () => {
  const cells = done();
  cells[0]!.source += '\npriors = {}';
  const ids = await planned(cells, 'sampling', {
    ran: cell => cell.id !== 'parameters'
  });
  expect(ids).toEqual([
    ...['parameters', 'data', 'model', 'prior', 'fit', 'sampling']
  ]);
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
