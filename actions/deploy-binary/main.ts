import { action } from '../../lib/action/action.ts';
import { deploy } from './deploy.ts';
import { schema } from './inputs.ts';
import { lookAfter } from './look-after.ts';

void action({ schema, main: deploy, post: lookAfter });
