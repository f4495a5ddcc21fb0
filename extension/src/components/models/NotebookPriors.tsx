import { useState } from 'react';

import { Analysis, PriorChoices, PriorClient } from '../../api/port';
import { Disclosure } from '../Disclosure';
import { located } from './located';
import { Priors } from './Priors';

interface Props {
  client: PriorClient;
  analysis: Analysis;
  /** The notebook's own path. */
  path: string;
  busy: boolean;
  onPut: (priors: PriorChoices) => void;
}

/** The priors of a notebook: tried here, and put into its parameters when they are as they should be. */
export function NotebookPriors(props: Props) {
  return (
    <Disclosure summary="Change the priors">
      <Draft key={JSON.stringify(props.analysis.priors)} {...props} />
    </Disclosure>
  );
}

function Draft({ client, analysis, path, busy, onPut }: Props) {
  const [priors, setPriors] = useState(analysis.priors ?? {});
  const changed =
    JSON.stringify(priors) !== JSON.stringify(analysis.priors ?? {});
  return (
    <>
      <Priors
        client={client}
        analysis={{ ...located(analysis, path), priors }}
        onChange={setPriors}
      />
      <button
        className="jp-modelcompose-Button"
        disabled={busy || !changed}
        onClick={() => onPut(priors)}
      >
        Put these priors into the notebook
      </button>
    </>
  );
}
