# SPDX-License-Identifier: BSD-2-Clause
# A node without Polder between the client and the origin of the lab that runs, for the peers. Sourced, after lab and peer are
# set to the names of the lab and of the namespace to make. Whoever makes it deletes the namespace.
# shellcheck shell=bash disable=SC2034,SC2154 # what scripts use that source this, and what they set
CLIENT_NET=192.0.2.192/26 CLIENT_NODE=192.0.2.193 CLIENT_END=192.0.2.194
ORIGIN_NODE=203.0.113.97 ORIGIN_END=203.0.113.98
CLIENT6_NET=2001:db8:c:3::/64 CLIENT6_NODE=2001:db8:c:3::1 CLIENT6_END=2001:db8:c:3::2
ORIGIN6_NODE=2001:db8:0:3::1 ORIGIN6_END=2001:db8:0:3::2
in_peer() { ip netns exec "$peer" "$@"; }
offloads() { ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro on >/dev/null; }
make_peer() {
	set -e
	ip netns add "$peer"
	in_peer sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_local_port_range="1024 65535"
	ip link add pc netns "$peer" type veth peer name pn netns "$lab-client"
	ip link add po netns "$peer" type veth peer name pn netns "$lab-origin"
	offloads "$peer" pc
	offloads "$peer" po
	offloads "$lab-client" pn
	offloads "$lab-origin" pn
	ip -n "$peer" -batch - <<-END
		link set lo up
		link set pc up
		link set po up
		addr add $CLIENT_NODE/26 dev pc
		addr add $CLIENT6_NODE/64 dev pc nodad
		addr add $ORIGIN_NODE/27 dev po
		addr add $ORIGIN6_NODE/64 dev po nodad
		route add $ORIGIN4/32 via $ORIGIN_END
		route add $ORIGIN6/128 via $ORIGIN6_END
	END
	ip -n "$lab-client" -batch - <<-END
		link set pn up
		addr add $CLIENT_END/26 dev pn
		addr add $CLIENT6_END/64 dev pn nodad
		route add $ORIGIN4/32 via $CLIENT_NODE
		route add $ORIGIN6/128 via $CLIENT6_NODE
	END
	ip -n "$lab-origin" -batch - <<-END
		link set pn up
		addr add $ORIGIN_END/27 dev pn
		addr add $ORIGIN6_END/64 dev pn nodad
		route add $CLIENT_NET via $ORIGIN_NODE
		route add $CLIENT6_NET via $ORIGIN6_NODE
	END
	set +e
}
