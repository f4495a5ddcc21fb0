import { useState } from 'react';

import { RecipeStep, TableProfile, WorkbenchClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { ProfilePage } from '../ProfilePage';
import { tableOf, Wizard } from '../wizard';

/** What the columns hold, what is missing where, and what goes together; worked out when it is opened. */
export function Profile(props: { client: WorkbenchClient; wizard: Wizard }) {
  const { client, wizard } = props;
  const [of, setOf] = useState<unknown>(null);
  const [profile, setProfile] = useState<TableProfile | null>(null);
  const { busy, error, start } = useAction();
  const look = () => {
    if (of !== wizard.description) {
      setOf(wizard.description);
      void start(() => client.profile(tableOf(wizard.analysis)), setProfile);
    }
  };
  const current = of === wizard.description ? profile : null;
  const treat = (step: RecipeStep) =>
    void wizard.prepare({ recipe: [...(wizard.analysis.recipe ?? []), step] });
  return (
    <details
      className="jp-modelcompose-Details"
      onToggle={event => event.currentTarget.open && look()}
    >
      <summary>A closer look</summary>
      {of !== wizard.description && profile && (
        <button className="jp-modelcompose-Button" onClick={look}>
          The table has changed: look again
        </button>
      )}
      {busy && <Busy text="Looking at every column…" />}
      <Problem
        error={error}
        onRetry={() => {
          setOf(null);
          void start(
            () => client.profile(tableOf(wizard.analysis)),
            found => {
              setOf(wizard.description);
              setProfile(found);
            }
          );
        }}
      />
      {current && <ProfilePage profile={current} onTreat={treat} />}
    </details>
  );
}
