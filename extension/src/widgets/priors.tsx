import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { Analysis, PriorChoices } from '../api/port';
import { Priors } from '../components/models/Priors';
import { AskingModel } from './anymodel';
import { CommPriors } from './comm';
import controls from '../../style/controls.css';
import style from '../../style/priors.css';

function LivePriors({
  model,
  client
}: {
  model: AskingModel;
  client: CommPriors;
}) {
  const [priors, setPriors] = useState(() => chosen(model));
  useEffect(() => {
    const take = () => setPriors(chosen(model));
    model.on('change:priors', take);
    return () => model.off('change:priors', take);
  }, [model]);
  return (
    <Priors
      client={client}
      analysis={{ ...(model.get('analysis') as Analysis), priors }}
      onChange={next => {
        setPriors(next);
        model.set('priors', next);
        model.save_changes();
      }}
    />
  );
}

function chosen(model: AskingModel): PriorChoices {
  return (model.get('priors') ?? {}) as PriorChoices;
}

function render({ model, el }: { model: AskingModel; el: HTMLElement }) {
  const sheet = document.createElement('style');
  sheet.textContent = controls + style;
  const mount = document.createElement('div');
  mount.className = 'jp-modelcompose-Surface jp-modelcompose-PriorWidget';
  el.append(sheet, mount);
  const client = new CommPriors(model);
  const root = createRoot(mount);
  root.render(<LivePriors model={model} client={client} />);
  return () => {
    root.unmount();
    client.dispose();
  };
}

export default { render };
