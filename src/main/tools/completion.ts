/** Scripts that make a shell complete the names of tools and of their options. */
import type { Tool } from '../../cli/tool.ts';
import { tools } from './table.ts';

const PREFIX = 'kafka-';

/** For `bash` or `zsh`; for other words, how to ask. */
export async function completionScript(shell: string): Promise<string> {
  if (shell !== 'bash' && shell !== 'zsh') return 'Usage: source <(tidelog completion bash), or zsh\n';
  const loaded = await Promise.all(Object.entries(tools).map(async ([name, load]) => [name, await load()] as const));
  const cases = loaded.map(([name, tool]) => `    ${name}) echo ${words(tool).join(' ')} ;;`).join('\n');
  return `${functions(Object.keys(tools), cases)}${shell === 'zsh' ? zshStart : ''}complete -F _tidelog tidelog ${Object.keys(tools).join(' ')}\n`;
}

const zshStart = 'autoload -U +X compinit && compinit -u\nautoload -U +X bashcompinit && bashcompinit\n';

/** Subcommands and options. */
const words = (tool: Tool): string[] => [
  ...Object.keys(tool.commands ?? {}), ...tool.options.map(({ name }) => `--${name}`), ...Object.values(tool.commands ?? {}).flatMap(({ options }) => options.map(({ name }) => `--${name}`)), '--help', '--version',
].filter((word, index, all) => all.indexOf(word) === index);

const functions = (names: readonly string[], cases: string): string => `_tidelog_words() {
  case "$1" in
${cases}
  esac
}
_tidelog() {
  local tool="\${COMP_WORDS[0]##*/}" current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$tool" = tidelog ]; then
    if [ "$COMP_CWORD" -eq 1 ]; then
      COMPREPLY=($(compgen -W "${names.map((name) => name.slice(name.startsWith(PREFIX) ? PREFIX.length : 0)).join(' ')} help version completion" -- "$current"))
      return
    fi
    tool="\${COMP_WORDS[1]}"
    case "$tool" in ${PREFIX}*) ;; *) tool="${PREFIX}$tool" ;; esac
  fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$(_tidelog_words "$tool")" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$(_tidelog_words "$tool" | tr ' ' '\\n' | grep -v '^-')" -f -- "$current")) ;;
  esac
}
`;
