#!/bin/sh
# Starts a Slurm of one node for the length of a command: munged, slurmctld and slurmd with their files in a temporary
# folder. Needs root and (on Debian) apt-get install slurmctld slurmd slurm-client munge.
#
#   tests/slurm/single-node.sh target/release/eqhdl study designs/studies/digits-bits.toml --engine slurm --out /tmp/s
set -eu
[ $# -gt 0 ] || { sed -n '2,5p' "$0"; exit 2; }
dir=$(mktemp -d)
host=$(hostname -s)
mkdir "$dir/state" "$dir/spool"
chmod 755 "$dir"
dd if=/dev/urandom of="$dir/key" bs=128 count=1 2>/dev/null
chmod 600 "$dir/key"
cat > "$dir/slurm.conf" <<END
ClusterName=single
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$dir/slurm.conf"
pids=
end() {
    for p in $pids; do kill "$p" 2>/dev/null || true; done
    sleep 1
    rm -rf "$dir"
}
trap end EXIT INT TERM
munged --foreground --force --key-file="$dir/key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/seed" >/dev/null 2>&1 & pids="$pids $!"
sleep 1
slurmctld -D >"$dir/ctld.out" 2>&1 & pids="$! $pids"
sleep 2
slurmd -D >"$dir/d.out" 2>&1 & pids="$! $pids"
n=0
until sinfo -h -o %T 2>/dev/null | grep -q idle; do
    n=$((n + 1))
    [ $n -lt 20 ] || { echo "no node became idle" >&2; tail -n 8 "$dir"/*.log "$dir"/*.out >&2; exit 3; }
    sleep 1
done
"$@"
