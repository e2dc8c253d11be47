# An application as a parameterized job: the edge dispatches it once for each instance that it wants.
#
#   nomad job run examples/nomad/shop.nomad.hcl
#
# With Docker instead of raw_exec: driver = "docker", and config { image = "...", network_mode = "host" } of an image
# whose entrypoint is `brxy-link -- the application`.

variable "link" {
  type        = string
  default     = "brxy-link"
  description = "The linker's program on the clients."
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

variable "memory" {
  type        = number
  default     = 128
  description = "MiB."
}

job "shop" {
  type = "batch"

  parameterized {
    payload       = "forbidden"
    meta_required = ["ROUTE", "BRXY_ROUTE", "BRXY_EDGE", "BRXY_TOKEN", "BRXY_LAUNCH", "BRXY_OWNER"]
  }

  group "app" {
    # The edge decides what is started again.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "app" {
      driver = "raw_exec"
      config {
        command = var.link
        args    = concat(var.flags, ["--"], var.app)
      }
      env {
        ROUTE       = "${NOMAD_META_ROUTE}"
        BRXY_EDGE   = "${NOMAD_META_BRXY_EDGE}"
        BRXY_TOKEN  = "${NOMAD_META_BRXY_TOKEN}"
        BRXY_LAUNCH = "${NOMAD_META_BRXY_LAUNCH}"
      }
      resources {
        cpu    = 100
        memory = var.memory
      }
      # Running requests finish (30 s), the application stops (10 s), and 5 s. The clients need max_kill_timeout = "45s".
      kill_timeout = "45s"
    }
  }
}
