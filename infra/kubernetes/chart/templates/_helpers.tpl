{{/* The name of everything here: `rootspan-forwarder` for the release `rootspan`. */}}
{{- define "rootspan.name" -}}
{{- printf "%s-forwarder" (.Release.Name | trunc 53 | trimSuffix "-") -}}
{{- end -}}

{{/* Cluster-wide names also tell the namespace: a cluster may have a release for each of two streams. */}}
{{- define "rootspan.clusterWideName" -}}
{{- printf "%s:%s" .Release.Namespace (include "rootspan.name" .) -}}
{{- end -}}

{{- define "rootspan.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: forwarder
{{- end -}}

{{- define "rootspan.labels" -}}
{{ include "rootspan.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Of the pod of `helm test`, which the Deployment must not select. */}}
{{- define "rootspan.testLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{- define "rootspan.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The role that IAM Roles for Service Accounts hands out. */}}
{{- define "rootspan.webIdentityRole" -}}
{{- with .Values.stream -}}
{{- if not .assumeRole.from }}{{ .roleArn }}{{ else if eq .assumeRole.from "webIdentity" }}{{ .assumeRole.principalArn }}{{ end -}}
{{- end -}}
{{- end -}}

{{/*
A value for a container's environment. Kubernetes expands $(NAME) there and makes one $ of two, so each is written twice.
*/}}
{{- define "rootspan.envValue" -}}
{{- . | replace "$" "$$" | replace "'" "''" | squote -}}
{{- end -}}

{{/* The API group of one of extraKinds, as a rule of RBAC names it. */}}
{{- define "rootspan.groupOf" -}}
{{- if contains "/" (.apiVersion | default "") }}{{ .apiVersion | splitList "/" | first }}{{ else if and .group (ne .group "core") }}{{ .group }}{{ else }}""{{ end -}}
{{- end -}}

{{/* Everything that is missing, at once. The schema cannot say it as plainly. */}}
{{- define "rootspan.check" -}}
{{- $wrong := list -}}
{{- if not .Values.cluster.name }}{{ $wrong = append $wrong "cluster.name: what is the cluster to be called in traces? The stack's output HelmValues says it" }}{{ end -}}
{{- if not .Values.stream.name }}{{ $wrong = append $wrong "stream.name: which Kinesis stream? The stack's output HelmValues says it" }}{{ end -}}
{{- if not .Values.stream.region }}{{ $wrong = append $wrong "stream.region: where is the stream? The stack's output HelmValues says it" }}{{ end -}}
{{- if not .Values.image.repository }}{{ $wrong = append $wrong "image.repository: only a published chart names an image; build infra/kubernetes/Dockerfile, push it where the cluster can pull it, and name it here" }}{{ end -}}
{{- with .Values.stream.assumeRole -}}
{{- if and .from (not $.Values.stream.roleArn) }}{{ $wrong = append $wrong "stream.roleArn: which role is to be assumed (stream.assumeRole.from is set)?" }}{{ end -}}
{{- if and (eq .from "webIdentity") (not .principalArn) }}{{ $wrong = append $wrong "stream.assumeRole.principalArn: which role does the service account have?" }}{{ end -}}
{{- if and (eq .from "secret") (not .secretName) }}{{ $wrong = append $wrong "stream.assumeRole.secretName: which Secret holds the principal's credentials?" }}{{ end -}}
{{- end -}}
{{- $read := list -}}
{{- range $group, $resources := .Values.lookups }}{{ $read = concat $read $resources }}{{ end -}}
{{- $own := list "\"\" events" "\"\" nodes" "\"\" pods" "apps daemonsets" "apps deployments" "apps replicasets" "apps statefulsets" "batch cronjobs" "batch jobs" -}}
{{- range $group, $resources := .Values.watch -}}
{{- $read = concat $read $resources -}}
{{- range $resources -}}
{{- if has (printf "%s %s" (eq $group "core" | ternary "\"\"" $group) .) $own }}{{ $wrong = append $wrong (printf "watch: %s are watched as it is" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraKinds -}}
{{- $read = append $read .resource -}}
{{- if eq (.kind | default "") "Event" }}{{ $wrong = append $wrong "extraKinds: Events are watched as it is" -}}
{{- else if has (printf "%s %s" (include "rootspan.groupOf" .) .resource) $own }}{{ $wrong = append $wrong (printf "extraKinds: %s are watched as it is" .resource) }}{{ end -}}
{{- end -}}
{{- range list "secrets" "configmaps" -}}
{{- if has . $read }}{{ $wrong = append $wrong (printf "watch, lookups, extraKinds: %s are never read, whoever owns them or speaks of them" .) }}{{ end -}}
{{- end -}}
{{- $set := list "CLUSTER_NAME" "CLUSTER_ATTRIBUTES" "STREAM_NAME" "AWS_REGION" "POD_NAME" "POD_NAMESPACE" "LEASE_NAME" "STATUS_PORT" "EVENT_FILTERS" "EVENT_RATE_LIMIT" "PARTITIONS" "REDACT_PATTERNS" "WATCH" "EXTRA_KINDS" "SIGNING_KEY_FILE" "LOG_LEVEL" "NODE_OPTIONS" "AWS_CONFIG_FILE" "AWS_PROFILE" "AWS_SHARED_CREDENTIALS_FILE" -}}
{{- range .Values.extraEnv -}}
{{- if has .name $set }}{{ $wrong = append $wrong (printf "extraEnv: %s is set by the chart" .name) }}{{ end -}}
{{- end -}}
{{- range .Values.extraVolumes -}}
{{- if has .name (list "signing" "aws-config" "principal") }}{{ $wrong = append $wrong (printf "extraVolumes: %s is a volume of the chart" .name) }}{{ end -}}
{{- end -}}
{{- range .Values.extraVolumeMounts -}}
{{- $name := .name -}}
{{- $found := false -}}
{{- range $.Values.extraVolumes }}{{ if eq .name $name }}{{ $found = true }}{{ end }}{{ end -}}
{{- if not $found }}{{ $wrong = append $wrong (printf "extraVolumeMounts: %s is none of extraVolumes" $name) }}{{ end -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled }}{{ $wrong = append $wrong "metrics: podMonitor and serviceMonitor scrape the same figures; one of them is enough" }}{{ end -}}
{{- range $label, $value := include "rootspan.selectorLabels" . | fromYaml -}}
{{- if hasKey $.Values.podLabels $label }}{{ $wrong = append $wrong (printf "podLabels: %s is set by the chart" $label) }}{{ end -}}
{{- end -}}
{{- if $wrong }}{{ fail (printf "\n\n* %s\n" (join "\n* " $wrong)) }}{{ end -}}
{{- end -}}
