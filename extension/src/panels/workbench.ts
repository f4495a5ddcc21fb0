import { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISessionContextDialogs } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import { RestWorkbench } from '../api/rest';
import { WorkbenchClient } from '../api/port';
import { AnalysisModel } from './analysis';
import { BackgroundRuns } from './background';
import { LabHost } from './host';

/** What the panels, the menus and the cards share, so that all of them see one notebook and the same runs. */
export interface IWorkbench {
  readonly client: WorkbenchClient;
  readonly host: LabHost;
  /** The active notebook seen as an analysis. */
  readonly model: AnalysisModel;
  /** The runs that are under way. */
  readonly background: BackgroundRuns;
  /** The texts of the interface in the reader's language. */
  readonly trans: TranslationBundle;
}

export const IWorkbench = new Token<IWorkbench>(
  'modelcompose:IWorkbench',
  'The active analysis, the runs that are under way, and the server that both ask.'
);

export const workbenchPlugin: JupyterFrontEndPlugin<IWorkbench> = {
  id: 'modelcompose:workbench',
  description: 'Reads and changes the active analysis and follows its runs.',
  autoStart: true,
  provides: IWorkbench,
  requires: [INotebookTracker, IDocumentManager],
  optional: [IDefaultFileBrowser, ISessionContextDialogs, ITranslator],
  activate: (
    app,
    tracker: INotebookTracker,
    documents: IDocumentManager,
    browser: IDefaultFileBrowser | null,
    dialogs: ISessionContextDialogs | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('modelcompose');
    const client = new RestWorkbench(app.serviceManager.serverSettings);
    const host = new LabHost(app.commands, documents, browser);
    const background = new BackgroundRuns(client, host, trans);
    const model = new AnalysisModel(
      client,
      tracker,
      background,
      path => host.localPath(path),
      trans,
      dialogs ?? undefined
    );
    void background.resume().catch(() => {
      // The panel says so when the server part is missing; here it only means that there is nothing to resume.
    });
    return { client, host, model, background, trans };
  }
};
