import { useEffect, useState } from 'react';

import { Evidence, ModelCard, ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Problem } from '../Problem';
import { Explained } from '../Term';
import { Equation } from './Equation';
import { EVIDENCE_TONES, EVIDENCE_WORDS } from './evidence';

/** All that is known of a model, fetched when somebody wants to know. */
export function AboutModel(props: { client: ModelClient; id: string }) {
  return (
    <Disclosure summary="About this model">
      <Fetched {...props} />
    </Disclosure>
  );
}

function Fetched({ client, id }: { client: ModelClient; id: string }) {
  const [card, setCard] = useState<ModelCard | null>(null);
  const { busy, error, start } = useAction();
  useEffect(
    () => void start(() => client.showModel(id), setCard),
    [client, id, start]
  );
  return (
    <>
      {busy && <Busy text="Looking it up…" />}
      <Problem
        error={error}
        onRetry={() => void start(() => client.showModel(id), setCard)}
      />
      {card && <Card card={card} />}
    </>
  );
}

export function Card({ card }: { card: ModelCard }) {
  return (
    <div className="jp-modelcompose-ModelCard">
      {card.purpose && <p>{card.purpose}</p>}
      {card.tutorial && <p>{card.tutorial}</p>}
      <Listed title="It assumes" items={card.assumptions} />
      <Listed title="What it cannot do" items={card.limits} />
      <Listed title="It needs" items={card.needs} />
      {card.equation && <Equation latex={card.equation} />}
      <EvidenceOf evidence={card.evidence} />
      {card.priors.length > 0 && (
        <>
          <h5>Its default priors</h5>
          <ul className="jp-modelcompose-Notes">
            {card.priors.map(prior => (
              <li key={prior.name}>
                <strong>{prior.name}</strong> <code>{prior.words}</code>
                {prior.meaning && `: ${prior.meaning}`}
                <small>{prior.source}</small>
              </li>
            ))}
          </ul>
        </>
      )}
      <Listed title="When a check fails" items={card.remedies} />
      {card.source && <small>Source: {card.source}</small>}
    </div>
  );
}

function Listed({ title, items }: { title: string; items: string[] }) {
  if (items.length === 0) {
    return null;
  }
  return (
    <>
      <h5>{title}</h5>
      <ul className="jp-modelcompose-Notes">
        {items.map(item => (
          <li key={item}>
            <Explained text={item} />
          </li>
        ))}
      </ul>
    </>
  );
}

function EvidenceOf({ evidence }: { evidence: Evidence }) {
  const { status, sentence } = evidence;
  return (
    <>
      <h5>How it was checked</h5>
      <p>
        <Badge tone={EVIDENCE_TONES[status]} text={EVIDENCE_WORDS[status]} />{' '}
        {sentence}
      </p>
    </>
  );
}
