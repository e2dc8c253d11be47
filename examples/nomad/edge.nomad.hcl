# The edge as a job, on one client. Its configuration is brxy.yaml, its secret a variable of Nomad, and its right to
# dispatch that of the job itself. README.md says how all of it gets there.
#
# With Docker instead of raw_exec: driver = "docker", and config { image = "...", network_mode = "host" } with the same command
# and args, of an image that has brxy.

variable "brxy" {
  type        = string
  default     = "brxy"
  description = "The program on the client."
}

variable "file" {
  type        = string
  default     = "examples/nomad/brxy.yaml"
  description = "The configuration, from where `nomad job run` is typed."
}

variable "node" {
  type        = string
  default     = ".*"
  description = "Name of the client, a regular expression: clients and linkers dial its address."
}

variable "http" {
  type    = number
  default = 8080
}

variable "tunnel" {
  type    = number
  default = 9080
}

variable "memory" {
  type        = number
  default     = 256
  description = "MiB."
}

job "brxy-edge" {
  type = "service"

  constraint {
    attribute = "${node.unique.name}"
    operator  = "regexp"
    value     = var.node
  }

  group "edge" {
    # One edge scales.
    count = 1

    network {
      port "http" {
        static = var.http
      }
      port "tunnel" {
        static = var.tunnel
      }
      port "admin" {}
    }

    service {
      name     = "brxy-edge"
      provider = "nomad"
      port     = "http"
      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }

    # On its client, again and again: linkers dial it there.
    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    # The state directory follows to the next allocation, on the same client if there is room.
    ephemeral_disk {
      sticky = true
    }

    task "edge" {
      driver = "raw_exec"
      config {
        command = var.brxy
        args    = ["edge", "-f", "${NOMAD_TASK_DIR}/brxy.yaml"]
      }

      # NOMAD_TOKEN, which may do what the policy of this job says.
      identity {
        env = true
      }

      env {
        # The API, on a socket of this task's own, whatever address and TLS the agent has.
        NOMAD_ADDR = "${NOMAD_UNIX_ADDR}"

        LISTEN           = "${NOMAD_ADDR_http}"
        TUNNEL           = "${NOMAD_ADDR_tunnel}"
        BRXY_ADVERTISE   = "${NOMAD_ADDR_tunnel}"
        BRXY_ADMIN       = "127.0.0.1:${NOMAD_PORT_admin}"
        BRXY_SECRET_FILE = "${NOMAD_SECRETS_DIR}/secret"
        BRXY_STATE_DIR   = "${NOMAD_ALLOC_DIR}/data/brxy"
        # By default it is the path of the file, which is another one in each allocation: what the last one started would be nobody's.
        BRXY_OWNER = "${NOMAD_JOB_ID}"
      }

      template {
        destination = "local/brxy.yaml"
        data        = file(var.file)
      }
      template {
        destination = "secrets/secret"
        perms       = "0600"
        data        = "{{ with nomadVar \"nomad/jobs/brxy-edge\" }}{{ .secret }}{{ end }}"
      }

      resources {
        cpu    = 200
        memory = var.memory
      }
      # Running requests finish (30 s); instances stay, for the next edge. The clients need max_kill_timeout = "45s".
      kill_timeout = "45s"
    }
  }
}
