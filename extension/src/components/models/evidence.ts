import { EvidenceStatus } from '../../api/port';
import { Tone } from '../Badge';

export const EVIDENCE_WORDS: Record<EvidenceStatus, string> = {
  valid: 'Checked by simulation',
  outdated: 'Check out of date',
  none: 'Not checked yet'
};

export const EVIDENCE_TONES: Record<EvidenceStatus, Tone> = {
  valid: 'pass',
  outdated: 'warn',
  none: 'info'
};
