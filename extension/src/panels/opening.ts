import { ILabShell } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { AnalysisModel } from './analysis';
import { GuidePanel } from './GuidePanel';

const PLUGIN = 'modelcompose:guide';
const SETTING = 'openWithAnalysis';

interface Parts {
  shell: ILabShell;
  settings: ISettingRegistry;
  model: AnalysisModel;
  panel: GuidePanel;
}

/**
 * Show the guide beside the first analysis, as long as the user wants it there.
 *
 * A layout that JupyterLab restored wins when it knows the guide. Closing the sidebar on the guide is remembered, and
 * so is opening it again; choosing another tab of the sidebar is not a wish to do without the guide.
 */
export async function openWithAnalysis(parts: Parts): Promise<void> {
  const { shell, settings, model, panel } = parts;
  const [layout, setting] = await Promise.all([
    shell.restored,
    settings.load(PLUGIN)
  ]);
  const remember = (wanted: boolean) => {
    if (setting.get(SETTING).composite !== wanted) {
      void setting.set(SETTING, wanted);
    }
  };
  const follow = () =>
    panel.shown.connect((_, shown) => {
      // The sidebar collapses around the panel: what it is is settled only afterwards.
      setTimeout(() => {
        if (shown === panel.isVisible && (shown || shell.leftCollapsed)) {
          remember(shown);
        }
      });
    });
  if (knows(layout, panel) || setting.get(SETTING).composite === false) {
    follow();
    return;
  }
  const show = () => {
    if (model.view !== null) {
      model.changed.disconnect(show);
      shell.activateById(panel.id);
      follow();
    }
  };
  model.changed.connect(show);
  show();
}

function knows({ leftArea, fresh }: ILabShell.ILayout, panel: GuidePanel) {
  return !fresh && (leftArea?.widgets ?? []).includes(panel);
}
