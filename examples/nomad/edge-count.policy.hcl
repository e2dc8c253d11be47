# What an edge needs that sets counts:
#
#   nomad acl policy apply brxy-edge examples/nomad/edge-count.policy.hcl
#   nomad acl token create -name brxy-edge -type client -policy brxy-edge
#
# alloc-lifecycle: to end the one that left when another one is wanted in its place.
namespace "default" {
  capabilities = ["read-job", "scale-job", "alloc-lifecycle"]
}
