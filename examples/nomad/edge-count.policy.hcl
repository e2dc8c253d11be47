# What an edge needs that sets counts:
#
#   nomad acl policy apply -namespace default -job brxy-edge brxy-edge examples/nomad/edge-count.policy.hcl
#
# if it is the job brxy-edge of edge.nomad.hcl, and if it runs elsewhere, with the token as NOMAD_TOKEN:
#
#   nomad acl policy apply brxy-edge examples/nomad/edge-count.policy.hcl
#   nomad acl token create -name brxy-edge -type client -policy brxy-edge
#
# alloc-lifecycle: to end the one that left when another one is wanted in its place.
namespace "default" {
  capabilities = ["read-job", "scale-job", "alloc-lifecycle"]
}
