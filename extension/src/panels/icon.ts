import { LabIcon } from '@jupyterlab/ui-components';

// A posterior that narrows from its prior, above the axis of the answer.
const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
    <path d="M3 20h18"/>
    <path d="M3 17c5 0 5-6 9-6s4 6 9 6" opacity=".55"/>
    <path d="M7 17c3.5 0 3-12.5 5-12.5S13.500 17 17 17"/>
  </g>
</svg>`;

export const guideIcon = new LabIcon({ name: 'modelcompose:guide', svgstr });
