import {
  DataDescription,
  Host,
  Kind,
  StepKind,
  WorkbenchClient
} from '../../api/port';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Wizard } from '../wizard';
import { Columns } from './Columns';
import { Profile } from './Profile';
import { Recipe } from './Recipe';
import { Cells } from './Cells';
import { Source } from './Source';
import { Versions } from './Versions';

interface Props {
  client: WorkbenchClient;
  host: Host;
  kinds: Kind[];
  steps: StepKind[];
  wizard: Wizard;
}

/** Station 1: bring a table, agree on what each column is, and prepare it in the open. */
export function Data(props: Props) {
  const { client, kinds, steps, wizard } = props;
  const { description, loading } = wizard;
  return (
    <>
      <Source {...props} />
      {loading.busy && <Busy text="Reading the table…" />}
      <Problem error={loading.error} />
      {description && (
        <>
          <Summary description={description} />
          <Columns
            key={`columns ${wizard.table}`}
            kinds={kinds}
            wizard={wizard}
          />
          <details className="jp-modelcompose-Details">
            <summary>First rows</summary>
            <Cells
              columns={description.columns.map(column => column.name)}
              rows={description.preview}
            />
          </details>
          <Profile client={client} wizard={wizard} />
          <Recipe
            key={`recipe ${wizard.table}`}
            client={client}
            steps={steps}
            wizard={wizard}
          />
          <Versions client={client} wizard={wizard} />
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            disabled={loading.busy}
            onClick={() => wizard.goTo('question')}
          >
            Continue to the question
          </button>
        </>
      )}
    </>
  );
}

function Summary({ description }: { description: DataDescription }) {
  const { data, rows, rows_read: read, columns } = description;
  const notes = [
    ...description.notes,
    ...description.relations.map(one => one.sentence)
  ];
  return (
    <>
      <p>
        <strong>{data}</strong> has {rows} rows and {columns.length} columns
        {read !== rows && <>, prepared from {read} rows</>}.
      </p>
      {notes.length > 0 && (
        <ul className="jp-modelcompose-Notes">
          {notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}
