import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, ISessionContextDialogs } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { RestWorkbench } from '../api/rest';
import { AnalysisModel } from './analysis';
import { BackgroundRuns } from './background';
import { addCommands, CommandIDs } from './commands';
import { GuidePanel } from './GuidePanel';
import { LabHost } from './host';
import { openWithAnalysis } from './opening';

export const guidePlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:guide',
  description: 'The guide through the Bayesian workflow, in the left sidebar.',
  autoStart: true,
  requires: [INotebookTracker, IDocumentManager],
  optional: [
    IDefaultFileBrowser,
    ISessionContextDialogs,
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    ITranslator,
    ILabShell,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    documents: IDocumentManager,
    browser: IDefaultFileBrowser | null,
    dialogs: ISessionContextDialogs | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null,
    shell: ILabShell | null,
    settings: ISettingRegistry | null
  ) => {
    const client = new RestWorkbench(app.serviceManager.serverSettings);
    const host = new LabHost(app.commands, documents, browser);
    const background = new BackgroundRuns(client, host);
    const model = new AnalysisModel(
      client,
      tracker,
      background,
      path => host.localPath(path),
      dialogs ?? undefined
    );
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
    void background.resume().catch(() => {
      // The panel says so when the server part is missing; here it only means that there is nothing to resume.
    });
  }
};
