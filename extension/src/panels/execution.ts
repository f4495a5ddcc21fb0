import { ISessionContextDialogs } from '@jupyterlab/apputils';
import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';

import { Inspection, StepView, WorkbenchError } from '../api/port';
import { failedStep } from '../components/steps';
import { errorOf, project, ranIn, readyKernel, widgetsOf } from './notebook';
import { Leg, plan } from './plan';

/** What running steps asks of whoever shows them. */
export interface Stage {
  /** Bring composed cells in line with the parameters. */
  recompose(panel: NotebookPanel): Promise<void>;
  inspect(panel: NotebookPanel): Promise<Inspection>;
  /** Say what is under way, and show where. */
  enter(step: StepView | undefined): void;
  leave(step: StepView | undefined): void;
}

/** Run what `through` needs, step by step, and stop where a cell or a check fails. */
export async function execute(
  panel: NotebookPanel,
  through: string,
  force: ReadonlySet<string>,
  stage: Stage,
  dialogs?: ISessionContextDialogs
): Promise<void> {
  const kernel = await readyKernel(panel);
  if (!kernel) {
    throw new WorkbenchError({
      message: 'The notebook has no kernel.',
      remedy: 'Choose one with Kernel → Change Kernel, then try again.'
    });
  }
  await stage.recompose(panel);
  const { steps } = await stage.inspect(panel);
  const ran = await ranIn(kernel);
  const cells = project(panel);
  for (const leg of plan({ cells, steps, ran, through, force })) {
    const step = steps.find(one => one.step === leg.step);
    stage.enter(step);
    const finished = await NotebookActions.runCells(
      panel.content,
      widgetsOf(panel, leg.cells),
      panel.sessionContext,
      dialogs
    );
    stage.leave(step);
    const after = await stage.inspect(panel);
    const failed = failedStep(after.steps)?.step === leg.step;
    // A failed check may end its cell with an error: its card says more than the error would.
    if (!finished && !failed) {
      throw stopped(panel, leg, step?.title);
    }
    if (failed && leg.step !== through) {
      return;
    }
  }
}

function stopped(panel: NotebookPanel, leg: Leg, title = ''): WorkbenchError {
  const error = errorOf(panel, leg.cells);
  if (error?.ename === 'KeyboardInterrupt') {
    return new WorkbenchError({ message: 'Stopped.', where: title || null });
  }
  return new WorkbenchError({
    type: error?.ename ?? 'CellError',
    message: error ? error.evalue || error.ename : 'A cell did not finish.',
    where: title || null,
    remedy:
      'The notebook shows the details at the cell. Put it right, then run the step again.'
  });
}
