{{- /* What all parts share: names, settings, and a pod that may do nothing but its work. */ -}}

{{- define "letterlock.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}

{{- define "letterlock.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.tag }}:{{ .Values.image.tag }}{{ end }}
{{- end -}}

{{- define "letterlock.host" -}}{{ (urlParse .Values.publicUrl).host }}{{- end -}}

{{- define "letterlock.labels" -}}
app.kubernetes.io/name: letterlock
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* Call with (dict "root" $ "part" "web"). */ -}}
{{- define "letterlock.selector" -}}
app.kubernetes.io/name: letterlock
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "letterlock.settings" -}}
- {name: LETTERLOCK_PUBLIC_URL, value: {{ .Values.publicUrl | quote }}}
- {name: LETTERLOCK_INSIDE_DOMAINS, value: {{ join " " .Values.insideDomains | quote }}}
- {name: LETTERLOCK_NETWORKS, value: {{ join " " .Values.networks | quote }}}
- {name: LETTERLOCK_DEFAULT_ACTION, value: {{ .Values.defaultAction | quote }}}
- {name: LETTERLOCK_BLOB_URL, value: {{ .Values.blobUrl | quote }}}
- {name: LETTERLOCK_SPOOL_URL, value: {{ .Values.spoolUrl | quote }}}
- {name: LETTERLOCK_DATABASE_URL_FILE, value: /secrets/database/url}
- {name: LETTERLOCK_KEYRING_URL_FILE, value: /secrets/keyring/url}
- {name: LETTERLOCK_BROKER_URL_FILE, value: /secrets/broker/url}
- {name: LETTERLOCK_RELAY_URL_FILE, value: /secrets/relay/url}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- /* Call with a dict; with renders, which are the values of previews, it may start the sandbox of previews. */ -}}
{{- define "letterlock.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities: {drop: [ALL]}
{{- if .renders }}
seccompProfile: {type: Localhost, localhostProfile: {{ .renders.seccompProfile | quote }}}
{{- if .renders.appArmorUnconfined }}
appArmorProfile: {type: Unconfined}
{{- end }}
{{- else }}
seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- end -}}

{{- /* The pod of a part. Call with a dict: root, part, args, resources; keyed (has the root key), env, probes, ports. */ -}}
{{- define "letterlock.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "letterlock.selector" . | nindent 4 }}
    app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
spec:
  serviceAccountName: {{ include "letterlock.name" .root }}{{ if .restart }}-prepare{{ end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace | default 30 }}
  {{- with .restart }}
  restartPolicy: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .restart }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "letterlock.selector" . | nindent 10 }}
  {{- end }}
  {{- if and .keyed $values.rootKeySecret }}
  initContainers:
    # A mounted Secret is readable by its group, and a root key that others may read is refused.
    - name: root-key
      image: {{ include "letterlock.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      command: [install, -m, "0400", /secrets/root/root.key, /keys/root.key]
      securityContext:
        {{- include "letterlock.confined" dict | nindent 8 }}
      resources:
        requests: {cpu: 10m, memory: 16Mi}
        limits: {memory: 64Mi}
      volumeMounts:
        - {name: root-key, mountPath: /secrets/root, readOnly: true}
        - {name: keys, mountPath: /keys}
  {{- end }}
  containers:
    - name: {{ .part }}
      image: {{ include "letterlock.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: {{ .args | toJson }}
      {{- $renders := and $values.previews.seccompProfile (or (eq .part "web") (and $values.previews.workers (hasPrefix "worker-" .part))) }}
      securityContext:
        {{- include "letterlock.confined" (dict "renders" (ternary $values.previews nil (not (empty $renders)))) | nindent 8 }}
      env:
        {{- include "letterlock.settings" .root | nindent 8 }}
        {{- if ne .part "door" }}
        # Where the door is, for all others: forms hand mail in there, and doctor asks it.
        - {name: LETTERLOCK_SMTP, value: "{{ include "letterlock.name" .root }}-door:{{ $values.door.service.port }}"}
        {{- end }}
        {{- if .keyed }}
        - {name: LETTERLOCK_KEY_URL, value: {{ $values.keyUrl | default "file:/keys/root.key" | quote }}}
        {{- end }}
        {{- if and $values.metrics.enabled (not .restart) }}
        - {name: LETTERLOCK_METRICS, value: "0.0.0.0:{{ $values.metrics.port }}"}
        {{- end }}
        {{- range $name, $value := .env }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      {{- with $values.secrets.s3 }}
      envFrom:
        - secretRef: {name: {{ . }}}
      {{- end }}
      {{- $ports := .ports | default list }}
      {{- if and $values.metrics.enabled (not .restart) }}{{ $ports = append $ports (dict "name" "metrics" "containerPort" $values.metrics.port) }}{{ end }}
      {{- with $ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .probes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        {{- range $name := list "database" "keyring" "broker" "relay" }}
        - {name: {{ $name }}-secret, mountPath: /secrets/{{ $name }}, readOnly: true}
        {{- end }}
        {{- if and .keyed $values.rootKeySecret }}
        - {name: keys, mountPath: /keys, readOnly: true}
        {{- end }}
        {{- if .tls }}
        - {name: tls, mountPath: /secrets/tls, readOnly: true}
        {{- end }}
  volumes:
    {{- if .tls }}
    - name: tls
      secret: {secretName: {{ .tls }}, defaultMode: 0440}
    {{- end }}
    - name: data
      emptyDir: {sizeLimit: {{ $values.scratch }}}
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 64Mi}
    {{- range $name := list "database" "keyring" "broker" "relay" }}
    - name: {{ $name }}-secret
      secret: {secretName: {{ index $values.secrets $name }}, defaultMode: 0440}
    {{- end }}
    {{- if and .keyed $values.rootKeySecret }}
    - name: root-key
      secret: {secretName: {{ $values.rootKeySecret }}, defaultMode: 0440}
    - name: keys
      emptyDir: {medium: Memory, sizeLimit: 1Mi}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /* New pods are well before old ones go: a rolling upgrade has both side by side. */ -}}
{{- define "letterlock.rolling" -}}
revisionHistoryLimit: 3
strategy:
  type: RollingUpdate
  rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
{{- end -}}

{{- /* Call with root, part, replicas, autoscaling. */ -}}
{{- define "letterlock.scaled" -}}
{{- if .autoscaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "letterlock.name" .root }}-{{ .part }}
  labels:
    {{- include "letterlock.labels" .root | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "letterlock.name" .root }}-{{ .part }}}
  minReplicas: {{ .replicas }}
  maxReplicas: {{ max .replicas .autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .autoscaling.cpuPercent }}}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}
{{- end }}
{{- if gt (int .replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "letterlock.name" .root }}-{{ .part }}
  labels:
    {{- include "letterlock.labels" .root | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "letterlock.selector" . | nindent 6 }}
{{- end }}
{{- end -}}
