import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

const TOGGLE = 'modelcompose:toggle-code';

/** Reader and scientist: the code of the steps folded, or unfolded. Which one it is stands in the notebook alone. */
export const readingPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:reading',
  description: 'Folds the code of an analysis for readers; marks its tab.',
  autoStart: true,
  requires: [INotebookTracker, IWorkbench],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    { model, trans }: IWorkbench,
    palette: ICommandPalette | null
  ) => {
    const shows = () => codeShown(tracker.currentWidget);
    app.commands.addCommand(TOGGLE, {
      label: () =>
        shows() ? trans.__('Hide the Code') : trans.__('Show the Code'),
      caption: trans.__('Fold or unfold the code of every step'),
      describedBy: { args: { type: 'object', properties: {} } },
      isVisible: () => model.view !== null,
      isToggled: shows,
      execute: () => {
        showCode(tracker.currentWidget, !shows());
        app.commands.notifyCommandChanged(TOGGLE);
      }
    });
    palette?.addItem({ command: TOGGLE, category: 'ModelCompose' });
    model.changed.connect(() => {
      app.commands.notifyCommandChanged(TOGGLE);
      mark(tracker.currentWidget);
    });
  }
};

/** The cells of the steps that hold code. */
function stepCells(panel: NotebookPanel | null) {
  return (panel?.content.widgets ?? []).filter(
    ({ model }) =>
      model.type === 'code' && model.getMetadata('modelcompose')?.step
  );
}

/** Whether somebody looks at the code: a single unfolded step is no more than a glance. */
export function codeShown(panel: NotebookPanel | null): boolean {
  const cells = stepCells(panel);
  const shown = cells.filter(
    ({ model }) => !model.getMetadata('jupyter')?.source_hidden
  );
  return shown.length * 2 > cells.length;
}

export function showCode(panel: NotebookPanel | null, shown: boolean): void {
  for (const cell of stepCells(panel)) {
    cell.inputHidden = !shown;
  }
}

/** JupyterLab knows files by their names, and the name of an analysis does not tell: its tab does. */
function mark(panel: NotebookPanel | null): void {
  if (panel && panel.title.icon !== guideIcon && stepCells(panel).length > 0) {
    panel.title.icon = guideIcon;
  }
}
