import { useEffect, useState } from 'react';

import { Thresholds, WorkflowClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Problem } from '../Problem';
import { useWords } from '../words';

/** Every threshold that checks are judged by, each with who says so. */
export function RulesInForce(props: {
  client: Pick<WorkflowClient, 'thresholds'>;
  /** The policy file of the analysis, as the workspace sees it; empty without one. */
  policy: string;
}) {
  const t = useWords();
  return (
    <Disclosure summary={t.__('Rules in force')}>
      <List key={props.policy} {...props} />
    </Disclosure>
  );
}

function List(props: {
  client: Pick<WorkflowClient, 'thresholds'>;
  policy: string;
}) {
  const t = useWords();
  const { client, policy } = props;
  const [found, setFound] = useState<Thresholds | null>(null);
  const { busy, error, start } = useAction();
  useEffect(
    () => void start(() => client.thresholds(policy), setFound),
    [client, policy, start]
  );
  return (
    <>
      {busy && <Busy text={t.__('Reading the rules…')} />}
      <Problem error={error} />
      {found && (
        <>
          <p className="jp-modelcompose-small">
            {t.__('%1, version %2', found.name, found.version)}{' '}
            <code>{found.digest.slice(0, 8)}</code>
          </p>
          <dl className="jp-modelcompose-Rules">
            {found.rules.map(({ id, words, source }) => (
              <div key={id}>
                <dt>{id.replaceAll('-', ' ')}</dt>
                <dd>
                  {words} <small>{source}</small>
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}
