import { useEffect, useId, useState } from 'react';

import {
  Changes,
  Host,
  ModelClient,
  ModelSummary,
  RecommendedModel,
  RejectedModel,
  WorkflowName
} from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Problem } from '../Problem';
import { Explained } from '../Term';
import { Wizard } from '../wizard';
import { AboutModel } from './AboutModel';
import { EVIDENCE_TONES, EVIDENCE_WORDS } from './evidence';
import { FormulaEditor } from './FormulaEditor';
import { Fork } from './NameModel';
import { OwnModels } from './OwnModels';
import { Priors } from './Priors';

interface Props {
  client: ModelClient;
  host: Pick<Host, 'openNotebook'>;
  wizard: Wizard;
  /** How many steps the whole workflow has. */
  steps: number;
  onCreate: () => Promise<void>;
}

/** Station 3: ready-made models, best first, each with its reasons; one's own; and what the chosen one assumes. */
export function Models(props: Props) {
  const { client, host, wizard, steps, onCreate } = props;
  const { recommendation, analysis, composing } = wizard;
  const { models, refresh, error } = useModels(client);
  const [path, setPath] = useState('');
  const estimand = useId();
  if (!recommendation) {
    return <p>Say what you want to know first; then models are proposed.</p>;
  }
  return (
    <>
      <div className="jp-modelcompose-Field">
        <label htmlFor={estimand}>The question to answer</label>
        <textarea
          id={estimand}
          rows={3}
          value={analysis.estimand ?? ''}
          onChange={event => wizard.write(event.target.value)}
        />
        <small>Put it in your own words; the answer will repeat it.</small>
      </div>
      {recommendation.recommended.length === 0 && (
        <NoModel none={recommendation.none} />
      )}
      <Recommended
        {...props}
        proposed={recommendation.recommended}
        models={models}
        onWritten={refresh}
      />
      <Rejected models={recommendation.rejected} />
      <Problem error={error} />
      <OwnModels
        client={client}
        host={host}
        wizard={wizard}
        models={models}
        path={path}
        onPath={setPath}
        onChanged={refresh}
      />
      {analysis.model && (
        <Chosen key={analysis.model} client={client} wizard={wizard} />
      )}
      {analysis.model && <Length wizard={wizard} steps={steps} />}
      {composing.busy && <Busy text="Writing the notebook…" />}
      <Problem error={composing.error} />
      <button
        className="jp-modelcompose-Button jp-mod-primary"
        disabled={composing.busy || !analysis.model}
        onClick={() => void onCreate()}
      >
        Create the notebook
      </button>
    </>
  );
}

const SHORT_STEPS = 8;

/** How many steps of the workflow the notebook is to have. */
function Length({ wizard, steps }: { wizard: Wizard; steps: number }) {
  const name = useId();
  const choices: [WorkflowName, string, string][] = [
    [
      'simple',
      `Short (${SHORT_STEPS} steps)`,
      'From the table to a checked answer. The other steps can be added later.'
    ],
    [
      'full',
      `Full (${steps} steps)`,
      'Also tries the model on made-up data, compares it with others, and looks how far the answer carries. Takes longer.'
    ]
  ];
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>How thoroughly?</legend>
      {choices.map(([workflow, label, explanation]) => (
        <label key={workflow} className="jp-modelcompose-Choice">
          <input
            type="radio"
            name={name}
            checked={wizard.workflow === workflow}
            onChange={() => wizard.walk(workflow)}
          />
          <span>
            {label}
            <small>{explanation}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** All models there are; without this list the proposed ones can be used all the same. */
function useModels(client: ModelClient) {
  const [models, setModels] = useState<ModelSummary[]>([]);
  const { error, start } = useAction();
  useEffect(
    () => void start(() => client.listModels(), setModels),
    [client, start]
  );
  const refresh = () => void start(() => client.listModels(), setModels);
  return { models, error, refresh };
}

function NoModel({ none }: { none: string }) {
  return (
    <div role="status">
      <p>
        No model of the catalogue fits this question and these columns. The list
        below says why; changing a kind or another question may help.
      </p>
      {none && <p>{none}</p>}
    </div>
  );
}

/** What may be changed of the chosen model before the notebook is made. */
function Chosen({ client, wizard }: { client: ModelClient; wizard: Wizard }) {
  const { complete } = wizard;
  const edit = (changes: Changes) => wizard.edit(changes);
  return (
    <section className="jp-modelcompose-Chosen">
      <h4>The chosen model</h4>
      <Disclosure summary="Formula, equation, picture and code">
        <FormulaEditor client={client} analysis={complete} onChange={edit} />
      </Disclosure>
      <Disclosure summary="Priors: what it assumes before it sees the data">
        <Priors
          client={client}
          analysis={complete}
          onChange={priors => edit({ priors })}
        />
      </Disclosure>
    </section>
  );
}

function Recommended(
  props: Props & {
    proposed: RecommendedModel[];
    models: ModelSummary[];
    onWritten: () => void;
  }
) {
  const { client, host, wizard, proposed, models, onWritten } = props;
  const name = useId();
  if (proposed.length === 0) {
    return null;
  }
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>Models that fit</legend>
      {proposed.map((model, index) => (
        <div
          key={model.id}
          className="jp-modelcompose-Model"
          data-chosen={model.id === wizard.analysis.model}
        >
          <Choice
            model={model}
            best={index === 0}
            known={models.find(({ id }) => id === model.id)}
            name={name}
            chosen={model.id === wizard.analysis.model}
            onChoose={() => wizard.choose(model.id)}
          />
          <AboutModel client={client} id={model.id} />
          <Fork
            client={client}
            host={host}
            id={model.id}
            onWritten={onWritten}
          />
        </div>
      ))}
    </fieldset>
  );
}

function Choice(props: {
  model: RecommendedModel;
  best: boolean;
  known: ModelSummary | undefined;
  name: string;
  chosen: boolean;
  onChoose: () => void;
}) {
  const { model, best, known, name, chosen, onChoose } = props;
  const status = known?.evidence.status;
  return (
    <label>
      <span className="jp-modelcompose-Model-head">
        <input type="radio" name={name} checked={chosen} onChange={onChoose} />
        <strong>{model.title}</strong>
        {best && <Badge tone="pass" text="Recommended" />}
        {known?.own && <Badge tone="info" text="Yours" />}
        {status && status !== 'valid' && (
          <Badge tone={EVIDENCE_TONES[status]} text={EVIDENCE_WORDS[status]} />
        )}
      </span>
      <span>{model.summary}</span>
      {model.formula && <code>{model.formula}</code>}
      <span className="jp-modelcompose-Model-reasons">
        {best ? 'Recommended because: ' : 'Fits because: '}
        {model.reasons.map(reason => (
          <span key={reason.rule}>
            <Explained text={reason.sentence} />{' '}
          </span>
        ))}
      </span>
    </label>
  );
}

function Rejected({ models }: { models: RejectedModel[] }) {
  if (models.length === 0) {
    return null;
  }
  return (
    <details className="jp-modelcompose-Details">
      <summary>Not offered ({models.length})</summary>
      <ul className="jp-modelcompose-Notes">
        {models.map(model => (
          <li key={model.id}>
            <strong>{model.title}.</strong> {model.sentence}{' '}
            <small>(Rule: {model.rule})</small>
          </li>
        ))}
      </ul>
    </details>
  );
}
