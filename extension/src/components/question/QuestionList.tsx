import { useId, useState } from 'react';

import { Question } from '../../api/port';

/** The questions by what one wants to do; those that the columns do not allow come last, with their reasons. */
export function QuestionList(props: {
  questions: Question[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const { questions, chosen, onChoose } = props;
  const name = useId();
  const [none, setNone] = useState(false);
  const choose = (id: string) => {
    setNone(id === '');
    onChoose(id);
  };
  const refused = questions.filter(question => !question.allowed);
  const topics = byTopic(questions.filter(question => question.allowed));
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>What do you want to know?</legend>
      {topics.map(([topic, members], index) => (
        <details
          key={topic}
          className="jp-modelcompose-Topic"
          open={index === 0 || members.some(({ id }) => id === chosen)}
        >
          <summary>{topic || 'Questions'}</summary>
          {members.map(question => (
            <label key={question.id} className="jp-modelcompose-Choice">
              <input
                type="radio"
                name={name}
                checked={question.id === chosen}
                onChange={() => choose(question.id)}
              />
              <span>
                {question.label}
                <small>{question.explanation}</small>
              </span>
            </label>
          ))}
        </details>
      ))}
      <label className="jp-modelcompose-Choice">
        <input
          type="radio"
          name={name}
          checked={none && chosen === ''}
          onChange={() => choose('')}
        />
        <span>
          None of these
          <small>See what else can be asked, and what data that takes.</small>
        </span>
      </label>
      {none && chosen === '' && <Otherwise refused={refused.length > 0} />}
      <Refused
        questions={refused}
        name={name}
        open={none && chosen === '' ? true : undefined}
      />
    </fieldset>
  );
}

function byTopic(questions: Question[]): [string, Question[]][] {
  const topics = new Map<string, Question[]>();
  for (const question of questions) {
    const topic = question.topic ?? '';
    topics.set(topic, [...(topics.get(topic) ?? []), question]);
  }
  return [...topics];
}

function Otherwise({ refused }: { refused: boolean }) {
  return (
    <p role="status">
      {refused
        ? 'The questions below are open to other data; each says what it needs. '
        : 'These columns allow every question that is known here. '}
      A model of your own can answer others: choose the nearest question, and
      add your model to those proposed.
    </p>
  );
}

function Refused(props: {
  questions: Question[];
  name: string;
  open: true | undefined;
}) {
  const { questions, name, open } = props;
  if (questions.length === 0) {
    return null;
  }
  return (
    <details className="jp-modelcompose-Details" open={open}>
      <summary>Not possible with these columns ({questions.length})</summary>
      {questions.map(question => (
        <label
          key={question.id}
          className="jp-modelcompose-Choice jp-mod-disabled"
        >
          <input type="radio" name={name} disabled />
          <span>
            {question.label}
            <small>{question.reason}</small>
            {open && question.lacking && (
              <small>What would help: {question.lacking}.</small>
            )}
          </span>
        </label>
      ))}
    </details>
  );
}
