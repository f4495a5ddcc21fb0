import { useId, useState } from 'react';

import {
  Analysis,
  Host,
  ModelCheck,
  ModelClient,
  ModelSummary
} from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Wizard } from '../wizard';
import { AboutModel, Card } from './AboutModel';
import { Adopt } from './Adopt';
import { EVIDENCE_TONES, EVIDENCE_WORDS } from './evidence';
import { Fork, NameModel } from './NameModel';

interface Props {
  client: ModelClient;
  host: Pick<Host, 'openNotebook'>;
  wizard: Wizard;
  models: ModelSummary[];
  /** The file that was written last, to be checked and added. */
  path: string;
  onPath: (path: string) => void;
  /** The list of models has changed. */
  onChanged: () => void;
}

/** Models of one's own: files of the workspace, checked before they are used. */
export function OwnModels(props: Props) {
  const { client, host, models, onPath } = props;
  const own = models.filter(model => model.own);
  return (
    <details
      className="jp-modelcompose-Details"
      open={own.length > 0 || props.path !== '' || undefined}
    >
      <summary>Your own models ({own.length})</summary>
      <div className="jp-modelcompose-Disclosed">
        {own.map(model => (
          <OwnModel key={model.id} model={model} {...props} />
        ))}
        <NameModel
          label="Name of a new model"
          button="New model"
          host={host}
          write={name => client.newModel(name, '')}
          onWritten={onPath}
        />
        <FromFile {...props} />
      </div>
    </details>
  );
}

function OwnModel(props: Props & { model: ModelSummary }) {
  const { model, client, host, wizard, onChanged } = props;
  const analysis = wizard.complete;
  const chosen = model.id === analysis.model;
  const { status, sentence } = model.evidence;
  const [sure, setSure] = useState(false);
  const removing = useAction();
  const remove = () =>
    void removing.start(() => client.removeModel(model.id), onChanged);
  return (
    <div className="jp-modelcompose-Model" data-chosen={chosen}>
      <span className="jp-modelcompose-Model-head">
        <strong>{model.title}</strong>
        <Badge tone="info" text="Yours" />
        <Badge tone={EVIDENCE_TONES[status]} text={EVIDENCE_WORDS[status]} />
        {chosen && <Badge tone="pass" text="In use" />}
      </span>
      <code>{model.path}</code>
      <span>{model.summary}</span>
      <small>{sentence}</small>
      <Adopt client={client} id={model.id} wizard={wizard} />
      <AboutModel client={client} id={model.id} />
      <Fork client={client} host={host} id={model.id} onWritten={onChanged} />
      <Check client={client} analysis={analysis} path={model.path} />
      {sure ? (
        <div className="jp-modelcompose-Buttons">
          <span>Remove {model.title}? Notebooks that use it will not run.</span>
          <button
            className="jp-modelcompose-Button"
            disabled={removing.busy}
            onClick={remove}
          >
            Yes, remove it
          </button>
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={() => setSure(false)}
          >
            Keep it
          </button>
        </div>
      ) : (
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => setSure(true)}
        >
          Remove
        </button>
      )}
      <Problem error={removing.error} />
    </div>
  );
}

function FromFile(props: Props) {
  const { client, wizard, path, onPath, onChanged } = props;
  const analysis = wizard.complete;
  const id = useId();
  const [added, setAdded] = useState('');
  const adding = useAction();
  const add = () =>
    void adding.start(
      () => client.addModel(path),
      found => {
        setAdded(found.id);
        onPath('');
        onChanged();
      }
    );
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>A model in a file</label>
      <input
        id={id}
        value={path}
        placeholder="models/growth.ipynb"
        onChange={event => {
          setAdded('');
          onPath(event.target.value);
        }}
      />
      {path !== '' && (
        <>
          <Check key={path} client={client} analysis={analysis} path={path} />
          <button
            className="jp-modelcompose-Button"
            disabled={adding.busy}
            onClick={add}
          >
            Add to your models
          </button>
        </>
      )}
      {adding.busy && <Busy text="Adding the model…" />}
      <Problem error={adding.error} />
      {added && <small role="status">{added} is one of your models now.</small>}
    </div>
  );
}

/** What is wrong with a model: each fault with its place and what to do about it. */
function Check(props: {
  client: ModelClient;
  analysis: Analysis;
  path: string;
}) {
  const { client, analysis, path } = props;
  const [found, setFound] = useState<ModelCheck | null>(null);
  const checking = useAction();
  const check = () =>
    void checking.start(() => client.checkModel(path, analysis), setFound);
  return (
    <>
      <button
        className="jp-modelcompose-Button"
        disabled={checking.busy}
        onClick={check}
      >
        Check
      </button>
      {checking.busy && <Busy text="Checking the model…" />}
      <Problem error={checking.error} />
      {found && (
        <div role="status" className="jp-modelcompose-Check">
          <p>
            {found.ok
              ? 'The model can be used.'
              : `Found ${found.faults.length} faults.`}
          </p>
          {found.faults.map(fault => (
            <Problem key={`${fault.where} ${fault.message}`} error={fault} />
          ))}
          {found.ok && found.model && <Card card={found.model} />}
        </div>
      )}
    </>
  );
}
