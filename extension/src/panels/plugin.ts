import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands, CommandIDs } from './commands';
import { GuidePanel } from './GuidePanel';
import { openWithAnalysis } from './opening';
import { IWorkbench } from './workbench';

export const guidePlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:guide',
  description: 'The guide through the Bayesian workflow, in the left sidebar.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    ITranslator,
    ILabShell,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null,
    shell: ILabShell | null,
    settings: ISettingRegistry | null
  ) => {
    const { client, host, model, background } = workbench;
    const panel = new GuidePanel(client, host, model, background);
    app.shell.add(panel, 'left', { rank: 150, type: 'ModelCompose' });
    restorer?.add(panel, panel.id);

    const trans = (translator ?? nullTranslator).load('modelcompose');
    addCommands(app, { host, model, panel, trans });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: 'ModelCompose' });
    }
    launcher?.add({
      command: CommandIDs.openGuide,
      args: { isLauncher: true },
      category: 'ModelCompose',
      rank: 0
    });
    if (shell && settings) {
      void openWithAnalysis({ shell, settings, model, panel });
    }
  }
};
