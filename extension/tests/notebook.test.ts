import { ISharedCodeCell, SharedCell, YNotebook } from '@jupyter/ydoc';
import { CodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { FAILED_SAMPLING, FAKE_LINEAGE } from '../src/api/fake';
import { VERDICT_MIME } from '../src/api/port';
import {
  applyEdits,
  looksLikeAnalysis,
  project,
  readLineage,
  writeLineage
} from '../src/panels/notebook';

const PARAMETERS = {
  id: 'parameters',
  cell_type: 'code',
  source: 'draws = 1000',
  metadata: { tags: ['parameters'], scrolled: true },
  outputs: [],
  execution_count: 1
};

const SAMPLING = {
  id: 'sampling',
  cell_type: 'code',
  source: 'mc.check.sampling(analysis, dt)',
  metadata: { modelcompose: { step: 'sampling', composed: 'abc' } },
  execution_count: 2,
  outputs: [
    { output_type: 'stream', name: 'stdout', text: 'drawing' },
    {
      output_type: 'display_data',
      metadata: {},
      data: { [VERDICT_MIME]: FAILED_SAMPLING, 'image/png': 'aGVsbG8=' }
    }
  ]
};

/** As much of a notebook panel as the projection and the edits read: a real model and its cells. */
function open(documentWideUndo: boolean): NotebookPanel {
  const sharedModel = YNotebook.create({
    disableDocumentWideUndoRedo: !documentWideUndo
  }) as YNotebook;
  sharedModel.insertCells(0, [PARAMETERS, SAMPLING] as SharedCell.Cell[]);
  sharedModel.clearUndoHistory();
  const widgets = sharedModel.cells.map(cell => ({
    model: new CodeCellModel({ sharedModel: cell as ISharedCodeCell })
  }));
  return {
    content: { model: { sharedModel }, widgets }
  } as unknown as NotebookPanel;
}

beforeEach(() => {
  // Yjs warns of cells that are made before they stand in a document, which is how @jupyter/ydoc makes them.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

it('projects cells to what the server judges, verdict included and pictures left out', () => {
  const [parameters, sampling] = project(open(false));
  expect(parameters).toEqual({
    id: 'parameters',
    cell_type: 'code',
    source: 'draws = 1000',
    metadata: { tags: ['parameters'] },
    execution_count: 1,
    verdict: null
  });
  expect(sampling!.verdict).toEqual(FAILED_SAMPLING);
  expect(JSON.stringify(sampling)).not.toContain('aGVsbG8=');
});

it('asks the server only about notebooks that may be analyses', () => {
  const cells = project(open(false));
  expect(looksLikeAnalysis(cells)).toBe(true);
  const plain = cells.map(cell => ({ ...cell, metadata: {} }));
  expect(looksLikeAnalysis(plain)).toBe(false);
});

it.each([true, false])(
  'changes a cell so that one undo takes it back (undo of the document: %s)',
  documentWideUndo => {
    const panel = open(documentWideUndo);
    const metadata = { modelcompose: { step: 'sampling', composed: 'def' } };
    const written = applyEdits(panel, [
      { id: 'sampling', source: 'changed', metadata }
    ]);
    const cell = panel.content.model!.sharedModel.cells[1]!;
    expect(cell.getSource()).toBe('changed');
    expect(cell.getMetadata('modelcompose')).toEqual(metadata.modelcompose);
    expect(written.stands()).toBe(true);
    written.undo();
    expect(written.stands()).toBe(false);
    expect(cell.getSource()).toBe(SAMPLING.source);
    expect(cell.getMetadata('modelcompose')).toEqual(
      SAMPLING.metadata.modelcompose
    );
  }
);

it('keeps what was changed in the notebook, beside what others keep there', () => {
  const panel = open(false);
  const notebook = panel.content.model!.sharedModel;
  notebook.setMetadata('modelcompose', { theirs: 1 } as never);
  expect(readLineage(panel)).toBeNull();
  writeLineage(panel, FAKE_LINEAGE);
  expect(readLineage(panel)).toEqual(FAKE_LINEAGE);
  expect(notebook.getMetadata('modelcompose')).toHaveProperty('theirs', 1);
  writeLineage(panel, null);
  expect(notebook.getMetadata('modelcompose')).toEqual({ theirs: 1 });
});
