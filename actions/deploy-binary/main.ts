import { action } from '../../lib/action/action.ts';
import { deploy } from './deploy.ts';
import { schema } from './inputs.ts';
import { reportInterrupted } from './post.ts';
import { NOTHING_DONE } from './report.ts';

void action({ schema, main: deploy, outputs: NOTHING_DONE, post: reportInterrupted });
