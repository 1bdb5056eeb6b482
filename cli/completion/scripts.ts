// Owns the scripts that shells load. They know no command of this program: they call it back with what is typed, so that
// an older script is right for a newer program.

import { COMPLETE } from './complete.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * Bash breaks words at ":" and "=", of which ids of jobs and models are full: the line is read as it was typed, and what
 * bash holds for done is taken off the answers again. Bash puts an answer on the line as it is, and some are words of a
 * node (ids of models): they are quoted, so that none of them is a command. Zsh and fish quote by themselves.
 */
const BASH = `# arw-cli completion bash; load it with: source <(arw-cli completion bash)
_arw_cli() {
  local line="\${COMP_LINE:0:COMP_POINT}" words last done reply q
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  last="\${words[\${#words[@]}-1]}"
  done=""
  [[ "$last" == *[:=]* && "$COMP_WORDBREAKS" == *:* ]] && done="\${last%"\${last##*[:=]}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r reply _; do
    q="\${reply#"$done"}"
    [[ -n "$q" ]] && printf -v q %q "$q"
    COMPREPLY+=("$q")
  done < <("\${words[0]}" ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
}
complete -F _arw_cli arw-cli
`;

const ZSH = `#compdef arw-cli
# arw-cli completion zsh; load it with: source <(arw-cli completion zsh)
_arw_cli() {
  local -a lines described
  local line
  lines=("\${(@f)$("\${words[1]}" ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    [[ -n "$line" ]] || continue
    described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( \${#described} )) && _describe 'arw-cli' described
}
if [[ "$funcstack[1]" == _arw_cli ]]; then _arw_cli; else compdef _arw_cli arw-cli; fi
`;

const FISH = `# arw-cli completion fish; load it with: arw-cli completion fish | source
function __arw_cli_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  $words[1] ${COMPLETE} $words[2..-1] "$typed" 2>/dev/null
end
complete -c arw-cli -f -a '(__arw_cli_complete)'
`;

export const SCRIPTS: Record<Shell, string> = { bash: BASH, zsh: ZSH, fish: FISH };
