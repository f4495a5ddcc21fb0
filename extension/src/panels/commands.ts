import { JupyterFrontEnd } from '@jupyterlab/application';
import { TranslationBundle } from '@jupyterlab/translation';

import { AnalysisModel } from './analysis';
import { GuidePanel } from './GuidePanel';
import { LabHost } from './host';
import { guideIcon } from './icon';

export const CommandIDs = {
  openGuide: 'modelcompose:open-guide',
  analyseFile: 'modelcompose:analyse-file',
  nextStep: 'modelcompose:next-step',
  runInBackground: 'modelcompose:run-in-background'
} as const;

const NO_ARGUMENTS = {
  args: { type: 'object' as const, properties: {} }
};

export function addCommands(
  app: JupyterFrontEnd,
  parts: {
    host: LabHost;
    model: AnalysisModel;
    panel: GuidePanel;
    trans: TranslationBundle;
  }
): void {
  const { host, model, panel, trans } = parts;
  const { commands, shell } = app;
  const show = () => shell.activateById(panel.id);
  const hasAnalysis = () => model.view !== null;

  commands.addCommand(CommandIDs.openGuide, {
    // The launcher offers the kernel of this name, too.
    label: args =>
      args['isLauncher']
        ? trans.__('Guided Analysis')
        : trans.__('ModelCompose'),
    caption: trans.__('Analyse data step by step with a Bayesian model'),
    icon: guideIcon,
    describedBy: NO_ARGUMENTS,
    execute: show
  });
  commands.addCommand(CommandIDs.analyseFile, {
    label: trans.__('Analyse with ModelCompose'),
    icon: guideIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          path: {
            type: 'string',
            description: 'The data file; the selected one when left out'
          }
        }
      }
    },
    isVisible: () => host.selectedFile() !== null,
    execute: args => {
      const path = (args.path as string | undefined) ?? host.selectedFile();
      show();
      if (path !== null) {
        panel.analyse(path);
      }
    }
  });
  commands.addCommand(CommandIDs.nextStep, {
    label: trans.__('Run the Next Step of the Analysis'),
    describedBy: NO_ARGUMENTS,
    isEnabled: hasAnalysis,
    execute: () => model.runNext()
  });
  commands.addCommand(CommandIDs.runInBackground, {
    label: trans.__('Run the Analysis in the Background'),
    describedBy: NO_ARGUMENTS,
    isEnabled: hasAnalysis,
    execute: () => model.runInBackground()
  });
  model.changed.connect(() => {
    commands.notifyCommandChanged(CommandIDs.nextStep);
    commands.notifyCommandChanged(CommandIDs.runInBackground);
  });
}
