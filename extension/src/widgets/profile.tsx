import { createRoot } from 'react-dom/client';

import { TableProfile } from '../api/port';
import { ProfilePage } from '../components/ProfilePage';
import { AnyModel } from './anymodel';
import style from '../../style/profile.css';

function render({ model, el }: { model: AnyModel; el: HTMLElement }) {
  const sheet = document.createElement('style');
  sheet.textContent = style;
  const mount = document.createElement('div');
  mount.className = 'jp-modelcompose-ProfilePage';
  el.append(sheet, mount);
  const root = createRoot(mount);
  root.render(<ProfilePage profile={model.get('content') as TableProfile} />);
  return () => root.unmount();
}

export default { render };
