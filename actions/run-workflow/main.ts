import { action } from '../../lib/action/action.ts';
import { schema } from './inputs.ts';
import { reportInterrupted } from './post.ts';
import { NOTHING_STARTED } from './report.ts';
import { runWorkflow } from './run-workflow.ts';

void action({ schema, main: runWorkflow, outputs: NOTHING_STARTED, post: reportInterrupted });
