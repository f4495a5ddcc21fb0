import { LabIcon } from '@jupyterlab/ui-components';

// A posterior that narrows from its prior, above the axis of the answer.
const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M2 17.5c5 0 6-6.5 10-6.5s5 6.5 10 6.5z" opacity=".5"/>
    <path d="M6 17.5c3.5 0 3.5-13.5 6-13.5s2.5 13.5 6 13.5z"/>
    <path d="M2.5 19h19v2h-19z"/>
  </g>
</svg>`;

export const guideIcon = new LabIcon({ name: 'modelcompose:guide', svgstr });
