import { JupyterFrontEnd } from '@jupyterlab/application';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { AnalysisModel } from './analysis';
import { GuidePanel } from './GuidePanel';
import { LabHost } from './host';
import { guideIcon } from './icon';

export const CommandIDs = {
  openGuide: 'modelcompose:open-guide',
  openGuideTab: 'modelcompose:open-guide-tab',
  analyseFile: 'modelcompose:analyse-file',
  nextStep: 'modelcompose:next-step',
  runRest: 'modelcompose:run-rest',
  runAll: 'modelcompose:run-all',
  stop: 'modelcompose:stop',
  undo: 'modelcompose:undo',
  runInBackground: 'modelcompose:run-in-background',
  composeFull: 'modelcompose:compose-full',
  tour: 'modelcompose:tour'
} as const;

export const NO_ARGUMENTS = {
  args: { type: 'object' as const, properties: {} }
};

export function addCommands(
  app: JupyterFrontEnd,
  parts: {
    host: LabHost;
    model: AnalysisModel;
    panel: GuidePanel;
    /** The guide in a tab of its own, made when it is first asked for. */
    openTab: () => void;
    trans: TranslationBundle;
  }
): void {
  const { host, model, panel, openTab, trans } = parts;
  const { commands, shell } = app;
  const show = () => shell.activateById(panel.id);

  commands.addCommand(CommandIDs.openGuide, {
    // The launcher offers the kernel of this name, too.
    label: args =>
      args['isLauncher'] ? trans.__('Guided Analysis') : trans.__('Guide'),
    caption: trans.__('Analyse data step by step with a Bayesian model'),
    icon: guideIcon,
    describedBy: NO_ARGUMENTS,
    execute: show
  });
  commands.addCommand(CommandIDs.openGuideTab, {
    label: trans.__('Guide in a Tab of Its Own'),
    caption: trans.__('The same guide, with room for everything'),
    icon: guideIcon,
    describedBy: NO_ARGUMENTS,
    execute: openTab
  });
  commands.addCommand(CommandIDs.tour, {
    label: trans.__('Tour of the Guide'),
    describedBy: NO_ARGUMENTS,
    execute: () => {
      show();
      panel.showTour(() => undefined);
    }
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
  addOfAnalysis(commands, model, trans);
}

/** What is done to the analysis that is open in front. */
function addOfAnalysis(
  commands: CommandRegistry,
  model: AnalysisModel,
  trans: TranslationBundle
): void {
  const add = (
    id: string,
    label: string,
    execute: () => void,
    isEnabled = () => model.view !== null
  ) => {
    commands.addCommand(id, {
      label,
      describedBy: NO_ARGUMENTS,
      isEnabled,
      execute
    });
    model.changed.connect(() => commands.notifyCommandChanged(id));
  };
  add(CommandIDs.nextStep, trans.__('Run the Next Step'), () =>
    model.runNext()
  );
  add(CommandIDs.runRest, trans.__('Run the Rest'), () => model.runRest());
  add(CommandIDs.runAll, trans.__('Run from the Start'), () => model.runAll());
  add(CommandIDs.stop, trans.__('Stop'), () => model.interrupt());
  add(
    CommandIDs.undo,
    trans.__('Undo the Last Change of Choices'),
    () => model.undo(),
    () => Boolean(model.view?.undo)
  );
  add(CommandIDs.runInBackground, trans.__('Run in the Background'), () =>
    model.runInBackground()
  );
  add(CommandIDs.composeFull, trans.__('Go Through All Steps'), () =>
    model.composeFull()
  );
}
