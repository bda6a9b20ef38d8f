import { action } from '../../lib/action/action.ts';
import { deploy } from './deploy.ts';
import { schema } from './inputs.ts';
import { lookAfter } from './look-after.ts';
import { NOTHING_DONE } from './report.ts';

void action({ schema, main: deploy, outputs: NOTHING_DONE, post: lookAfter });
