# Runs one PostgreSQL server until standard input ends, which it does when the test process ends, however it ends.
# Arguments: the server's directory, the folder of PostgreSQL's programs, then arguments for `postgres`.
directory=$1
programs=$2
shift 2

"$programs/initdb" --pgdata="$directory/data" --username=senani --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >"$directory/log" 2>&1 </dev/null || exit 1
"$programs/postgres" -D "$directory/data" -k "$directory" "$@" >>"$directory/log" 2>&1 </dev/null &
server=$!

cat >/dev/null

# Immediate shutdown, asked for until it is heard: a server that has only just started does not listen yet. After 5 s by force.
asked=0
while kill -QUIT "$server" 2>/dev/null; do
    asked=$((asked + 1))
    [ "$asked" -gt 100 ] && kill -KILL "$server" 2>/dev/null
    sleep 0.05
done
rm -rf "$directory"
