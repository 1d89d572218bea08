# Tab completes commands, residents, goods and ways to earn: what "coinsync --show-completion bash" prints.
_coinsync_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _COINSYNC_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _coinsync_completion coinsync
