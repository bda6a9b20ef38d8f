import { action } from '../../lib/action/action.ts';
import { schema } from './inputs.ts';
import { verify } from './verify.ts';

void action({ schema, main: verify });
