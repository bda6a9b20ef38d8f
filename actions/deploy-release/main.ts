import { action } from '../../lib/action/action.ts';
import { NOTHING_DONE } from '../deploy-binary/report.ts';
import { schema } from './inputs.ts';
import { reportInterrupted } from './post.ts';
import { release } from './release.ts';

void action({ schema, main: release, outputs: NOTHING_DONE, post: reportInterrupted });
