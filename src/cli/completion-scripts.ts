/** What shells read to complete `headgate`. They ask the command itself what may come next, so that they know new commands and names at once. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** @param run how the command is run from anywhere, quoted for a shell */
export const completionScript: Readonly<Record<Shell, (run: string) => string>> = {
  bash: (run) => `# bash completion of headgate
_headgate() {
  local IFS=$'\\n' word="\${COMP_WORDS[COMP_CWORD]}"
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # bash takes --name=value apart at the sign
  if [[ "$COMP_LINE" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then
    local line="\${COMP_LINE:0:COMP_POINT}"
    IFS=$' \\t' read -ra words <<< "\${line#* }"
    [[ "$line" == *[[:space:]] ]] && words+=("")
  fi
  COMPREPLY=($(${run} complete -- "\${words[@]}" 2>/dev/null | cut -f1))
  [[ "\${words[-1]}" == *=* ]] && COMPREPLY=("\${COMPREPLY[@]#*=}")
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _headgate headgate
`,
  zsh: (run) => `#compdef headgate
# zsh completion of headgate
_headgate() {
  local -a given found
  local line
  given=("\${(@)words[2,CURRENT]}")
  for line in "\${(@f)$(${run} complete -- "\${given[@]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe headgate found; else _files; fi
}
if [[ "\${funcstack[1]}" == _headgate ]]; then _headgate "$@"; else compdef _headgate headgate; fi
`,
  fish: (run) => `# fish completion of headgate
function __headgate_complete
  set -l words (commandline -opc) (commandline -ct)
  ${run} complete -- $words[2..-1] 2>/dev/null
end
complete -c headgate -f -a '(__headgate_complete)'
complete -c headgate -n '__fish_seen_subcommand_from import' -F
`,
};
