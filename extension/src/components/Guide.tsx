import { useEffect, useState } from 'react';

import { Host, Run, Schema, WorkbenchClient } from '../api/port';
import { useAction } from './action';
import { Busy } from './Busy';
import { Data } from './data/Data';
import { Models } from './models/Models';
import { Problem } from './Problem';
import { Questions } from './question/Questions';
import { Runs } from './runs/Runs';
import { Share } from './runs/Share';
import { Station } from './Station';
import { Tour } from './Tour';
import { useWizard, Wizard, WizardStore } from './wizard';
import { AnalysisActions, AnalysisView } from './workflow/view';
import { Workflow } from './workflow/Workflow';
import { useWords } from './words';

/** The table that the tour ends with. */
const SAMPLE = 'sleepstudy';

type Page = 'new' | 'workflow' | 'runs' | 'share';

interface Props {
  client: WorkbenchClient;
  host: Host;
  /** The active notebook, when it is an analysis. */
  view: AnalysisView | null;
  actions: AnalysisActions;
  /** Where the choices of a new analysis are kept, when several guides share them. */
  wizard?: WizardStore;
  /** A data file to begin with, chosen outside the panel; a new object asks again. */
  request: { path: string } | null;
  runsRevision: number;
  /** Show the tour, until somebody has seen enough of it. */
  onTourEnd?: (() => void) | null;
  /** A run was resumed in the list of runs. */
  onRunStarted?: (run: Run) => void;
}

/** The panel: a new analysis, the active one, and the runs. */
export function Guide(props: Props) {
  const t = useWords();
  const { client, host, view, actions, request } = props;
  const wizard = useWizard(client, props.wizard);
  const [page, setPage] = usePage(view?.path ?? null, request);
  useEffect(() => {
    if (request) {
      void wizard.load(request.path);
    }
    // A request is answered once; the wizard is a new object at every render.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [request]);
  const startNew = () => {
    wizard.restart();
    setPage('new');
  };
  const trySample = () => {
    wizard.restart();
    wizard.goTo('data');
    void wizard.loadFrom(() => client.addSample(SAMPLE));
    setPage('new');
  };
  const create = () =>
    wizard.compose(async composed => {
      await host.openNotebook(composed);
      setPage('workflow');
    });
  return (
    <div className="jp-modelcompose-Guide jp-modelcompose-Surface">
      <Tabs page={page} onSelect={setPage} />
      {props.onTourEnd && (
        <Tour onSample={trySample} onClose={props.onTourEnd} />
      )}
      <main className="jp-modelcompose-Guide-page">
        {page === 'new' && (
          <NewAnalysis
            client={client}
            host={host}
            wizard={wizard}
            onCreate={create}
          />
        )}
        {page === 'workflow' && view && (
          <Workflow client={client} view={view} actions={actions} />
        )}
        {page === 'workflow' && !view && (
          <p>
            {t.__(
              'Open an analysis notebook, or start a new analysis. This page then shows its steps.'
            )}
          </p>
        )}
        {page === 'runs' && (
          <Runs
            client={client}
            host={host}
            revision={props.runsRevision}
            onStarted={props.onRunStarted}
          />
        )}
        {page === 'share' && (
          <Share
            client={client}
            host={host}
            notebook={view?.path ?? null}
            revision={props.runsRevision}
          />
        )}
      </main>
      {(page !== 'new' || wizard.description) && (
        <footer className="jp-modelcompose-Guide-foot">
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={startNew}
          >
            {t.__('Start a new analysis')}
          </button>
        </footer>
      )}
    </div>
  );
}

/** The page chosen by the user, until another analysis comes to the front or a file is to be analysed. */
function usePage(
  path: string | null,
  request: Props['request']
): [Page, (page: Page) => void] {
  const [chosen, setChosen] = useState({
    page: (path === null ? 'new' : 'workflow') as Page,
    path,
    request
  });
  const setPage = (page: Page) => setChosen({ page, path, request });
  if (chosen.request !== request) {
    return ['new', setPage];
  }
  const arrived = path !== null && path !== chosen.path;
  return [arrived ? 'workflow' : chosen.page, setPage];
}

function Tabs(props: { page: Page; onSelect: (page: Page) => void }) {
  const t = useWords();
  const tab = (page: Page, text: string) => (
    <button
      aria-current={props.page === page ? 'page' : undefined}
      onClick={() => props.onSelect(page)}
    >
      {text}
    </button>
  );
  return (
    <nav className="jp-modelcompose-Tabs" aria-label="ModelCompose">
      {tab('new', t.__('New analysis'))}
      {tab('workflow', t.__('Steps'))}
      {tab('runs', t.__('Runs'))}
      {tab('share', t.__('Share'))}
    </nav>
  );
}

function NewAnalysis(props: {
  client: WorkbenchClient;
  host: Host;
  wizard: Wizard;
  onCreate: () => Promise<void>;
}) {
  const t = useWords();
  const { client, host, wizard, onCreate } = props;
  const { station, description, analysis, question, recommendation } = wizard;
  const [schema, setSchema] = useState<Schema | null>(null);
  const fetching = useAction();
  const { start } = fetching;
  const fetchSchema = () => void start(() => client.schema(), setSchema);
  useEffect(() => {
    void start(() => client.schema(), setSchema);
  }, [client, start]);
  if (!schema) {
    return (
      <>
        {fetching.busy && <Busy text={t.__('Connecting…')} />}
        <Problem error={fetching.error} onRetry={fetchSchema} />
      </>
    );
  }
  const model = recommendation?.recommended.find(
    item => item.id === analysis.model
  );
  return (
    <>
      <Station
        number={1}
        title={t.__('Data')}
        summary={
          description
            ? `${description.data} · ${t._n('%1 row', '%1 rows', description.rows)}`
            : ''
        }
        open={station === 'data'}
        enabled={true}
        onOpen={() => wizard.goTo('data')}
      >
        <Data
          client={client}
          host={host}
          kinds={schema.kinds}
          steps={schema.recipe}
          wizard={wizard}
        />
      </Station>
      <Station
        number={2}
        title={t.__('Question')}
        summary={question?.label ?? ''}
        open={station === 'question'}
        enabled={description !== null}
        onOpen={() => wizard.goTo('question')}
      >
        <Questions wizard={wizard} />
      </Station>
      <Station
        number={3}
        title={t.__('Model')}
        summary={model?.title ?? analysis.model ?? ''}
        open={station === 'model'}
        enabled={recommendation !== null}
        onOpen={() => wizard.goTo('model')}
      >
        <Models
          client={client}
          host={host}
          wizard={wizard}
          steps={schema.steps.length}
          onCreate={onCreate}
        />
      </Station>
    </>
  );
}
