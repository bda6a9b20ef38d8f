import { action } from '../../lib/action/action.ts';
import { bump } from './bump.ts';
import { schema } from './inputs.ts';

void action({ schema, main: bump });
