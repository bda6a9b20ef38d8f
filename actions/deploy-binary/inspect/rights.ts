import type { Answer } from '../../../lib/ssh/answer.ts';

/** As whom the step works, what needs root, what refuses it, and the lines that would allow it. */
export function toRights(answer: Answer) {
  const remedies = answer.texts('command_remedy');
  const login = answer.text('login') ?? '';
  const asRoot = answer.number('uid') === 0;
  return {
    login,
    asRoot,
    sudo: asRoot && login !== answer.text('user'),
    needsRoot: answer.text('needs_root'),
    sudoError: answer.has('sudo_error') ? (answer.quote('sudo_error') ?? '') : undefined,
    sudoRemedy: answer.text('sudo_remedy'),
    unitRemedy: answer.text('unit_remedy'),
    rootTool: answer.oneOf('root_tool', ['sudo', 'doas']) ?? 'sudo',
    commandsRefused: answer
      .texts('command_refused')
      .map((command, index) => ({ command, remedy: remedies[index] ?? '' })),
  };
}

/** The tools that are there, and whether the one that can't be relied on is. */
export function toTools(answer: Answer) {
  return { tools: new Set(answer.texts('tool')), toyboxTimeout: answer.yes('toybox_timeout') };
}
