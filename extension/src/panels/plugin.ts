import {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { RunStatus } from '../api/port';
import { WizardStore } from '../components/wizard';
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
    ILabShell,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    shell: ILabShell | null,
    settings: ISettingRegistry | null
  ) => {
    const { host, model, background, trans } = workbench;
    // What was chosen in the sidebar is there in the tab, too.
    const wizard = new WizardStore();
    const guide = (id: string) => new GuidePanel(id, workbench, wizard);
    const panel = guide('modelcompose:guide');
    panel.title.caption = trans.__('ModelCompose');
    app.shell.add(panel, 'left', { rank: 150, type: 'ModelCompose' });
    restorer?.add(panel, panel.id);

    const tabs = new WidgetTracker<GuidePanel>({
      namespace: 'modelcompose-guide'
    });
    const openTab = () => {
      let tab = tabs.currentWidget;
      if (!tab) {
        tab = guide('modelcompose:guide-tab');
        tab.title.label = trans.__('Guide');
        tab.title.closable = true;
        app.shell.add(tab, 'main');
        void tabs.add(tab);
      }
      app.shell.activateById(tab.id);
    };
    void restorer?.restore(tabs, {
      command: CommandIDs.openGuideTab,
      name: () => 'guide'
    });
    addCommands(app, { host, model, panel, openTab, trans });
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
    void settings?.load(guidePlugin.id).then(setting => {
      background.announces = ended =>
        isAnnounced(String(setting.get('notifications').composite), ended);
      if (setting.get('tour').composite) {
        panel.showTour(() => void setting.set('tour', false));
      }
    });
  }
};

/** Whether somebody who wants to hear of `which` runs is told of one that ended so. */
function isAnnounced(which: string, ended: RunStatus): boolean {
  return (
    which === 'all' ||
    (which === 'attention' && ['warned', 'failed', 'error'].includes(ended))
  );
}
