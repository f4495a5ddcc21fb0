import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  CompletionHandler,
  ICompletionContext,
  ICompletionProvider,
  ICompletionProviderManager
} from '@jupyterlab/completer';
import { Text } from '@jupyterlab/coreutils';

import { columnsAt } from '../components/models/columns';
import { AnalysisModel } from './analysis';
import { IWorkbench } from './workbench';

/** Before what the kernel and the words of the cell propose. */
const RANK = 1100;

/** Completes the names of columns in the strings and formulas of an analysis. */
export const columnsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:columns',
  description: 'Completes the names of columns in the cells of an analysis.',
  autoStart: true,
  requires: [IWorkbench, ICompletionProviderManager],
  activate: (
    _: JupyterFrontEnd,
    { model }: IWorkbench,
    manager: ICompletionProviderManager
  ) => manager.registerProvider(new ColumnProvider(model))
};

class ColumnProvider implements ICompletionProvider {
  readonly identifier = 'modelcompose:columns';
  readonly rank = RANK;
  readonly renderer = null;

  constructor(private readonly model: AnalysisModel) {}

  async isApplicable({ widget }: ICompletionContext): Promise<boolean> {
    const isInFront = this.model.contains(widget.node);
    return isInFront && Object.keys(this.kinds).length > 0;
  }

  async fetch({
    text,
    offset
  }: CompletionHandler.IRequest): Promise<CompletionHandler.ICompletionItemsReply> {
    const { kinds } = this;
    const caret = Text.charIndexToJsIndex(offset, text);
    const found = columnsAt(text, caret, Object.keys(kinds));
    return {
      start: Text.jsIndexToCharIndex(found?.start ?? caret, text),
      end: offset,
      items: (found?.offers ?? []).map(offer => ({
        label: offer.column,
        insertText: offer.text,
        type: kinds[offer.column]!
      }))
    };
  }

  /** The columns of the parameters cell, with their kinds. */
  private get kinds(): Record<string, string> {
    return this.model.view?.inspection.analysis?.kinds ?? {};
  }
}
