import { action } from '../../lib/action/action.ts';
import { deploy } from './deploy.ts';
import { schema } from './inputs.ts';

void action({ schema, main: deploy });
