# An application whose count the edge sets: for jobs that have to be services. Prefer shop.nomad.hcl where you can: there
# the instance that is idle goes, here Nomad removes the one with the highest index.
#
#   brxy token --route shop --ttl 8760h | nomad var put nomad/jobs/shop-count token=-
#   nomad job run examples/nomad/shop-count.nomad.hcl
#
# `brxy token` needs the secret of the edge (BRXY_SECRET, BRXY_SECRET_FILE or --state-dir). A new token, before that one ends, reaches
# instances that run:
#
#   brxy token --route shop --ttl 8760h | nomad var put -force nomad/jobs/shop-count token=-

variable "link" {
  type    = string
  default = "brxy-link"
}

# `brxy link --help` has them all.
variable "flags" {
  type    = list(string)
  default = ["--concurrency", "1"]
}

variable "app" {
  type    = list(string)
  default = ["python3", "-m", "http.server", "{port}"]
}

variable "edge" {
  type    = string
  default = "ws://edge.internal:9080"
}

variable "memory" {
  type        = number
  default     = 128
  description = "MiB."
}

job "shop-count" {
  type = "service"

  group "app" {
    # No copy until somebody asks.
    count = 0

    # Without deployments: while one is under way, 10 s for each change, Nomad refuses every other change of the count.
    update {
      max_parallel = 0
    }

    restart {
      attempts = 0
      mode     = "fail"
    }

    task "app" {
      driver = "raw_exec"
      config {
        command = var.link
        args    = concat(var.flags, ["--"], var.app)
      }
      env {
        ROUTE           = "shop"
        BRXY_EDGE       = var.edge
        BRXY_INSTANCE   = "${NOMAD_ALLOC_ID}"
        BRXY_TOKEN_FILE = "${NOMAD_SECRETS_DIR}/token"
      }
      template {
        destination = "secrets/token"
        change_mode = "noop"
        data        = "{{ with nomadVar \"nomad/jobs/shop-count\" }}{{ .token }}{{ end }}"
      }
      resources {
        cpu    = 100
        memory = var.memory
      }
      kill_timeout = "45s"
    }
  }
}
