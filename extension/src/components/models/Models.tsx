import { useId } from 'react';

import { RecommendedModel, RejectedModel } from '../../api/port';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Explained } from '../Term';
import { Problem } from '../Problem';
import { Wizard } from '../wizard';

/** Station 3: ready-made models, best first, each with its reasons. */
export function Models(props: {
  wizard: Wizard;
  onCreate: () => Promise<void>;
}) {
  const { wizard, onCreate } = props;
  const { recommendation, analysis, composing } = wizard;
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
      <Recommended
        models={recommendation.recommended}
        chosen={analysis.model ?? ''}
        onChoose={wizard.choose}
      />
      <Rejected models={recommendation.rejected} />
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

function Recommended(props: {
  models: RecommendedModel[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const name = useId();
  if (props.models.length === 0) {
    return (
      <p role="status">
        No model of the catalogue fits this question and these columns. The list
        below says why; changing a kind or another question may help.
      </p>
    );
  }
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>Models that fit</legend>
      {props.models.map((model, index) => (
        <label
          key={model.id}
          className="jp-modelcompose-Model"
          data-chosen={model.id === props.chosen}
        >
          <span className="jp-modelcompose-Model-head">
            <input
              type="radio"
              name={name}
              checked={model.id === props.chosen}
              onChange={() => props.onChoose(model.id)}
            />
            <strong>{model.title}</strong>
            {index === 0 && <Badge tone="pass" text="Recommended" />}
          </span>
          <span>{model.summary}</span>
          <code>{model.formula}</code>
          <span className="jp-modelcompose-Model-reasons">
            {index === 0 ? 'Recommended because: ' : 'Fits because: '}
            {model.reasons.map(reason => (
              <span key={reason.rule}>
                <Explained text={reason.sentence} />{' '}
              </span>
            ))}
          </span>
        </label>
      ))}
    </fieldset>
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
            <strong>{model.title}.</strong> {model.sentence}
          </li>
        ))}
      </ul>
    </details>
  );
}
