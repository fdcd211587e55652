# What the page asks the phone for: camera and microphone, and files.
.class final Lafield/phone/Questions;
.super Landroid/webkit/WebChromeClient;

.field final activity:Lafield/phone/MainActivity;

.method constructor <init>(Lafield/phone/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Landroid/webkit/WebChromeClient;-><init>()V
    iput-object p1, p0, Lafield/phone/Questions;->activity:Lafield/phone/MainActivity;
    return-void
.end method

.method public onPermissionRequest(Landroid/webkit/PermissionRequest;)V
    .locals 1
    iget-object v0, p0, Lafield/phone/Questions;->activity:Lafield/phone/MainActivity;
    invoke-virtual {v0, p1}, Lafield/phone/MainActivity;->ask(Landroid/webkit/PermissionRequest;)V
    return-void
.end method

.method public onShowFileChooser(Landroid/webkit/WebView;Landroid/webkit/ValueCallback;Landroid/webkit/WebChromeClient$FileChooserParams;)Z
    .locals 5
    iget-object v0, p0, Lafield/phone/Questions;->activity:Lafield/phone/MainActivity;
    invoke-virtual {p3}, Landroid/webkit/WebChromeClient$FileChooserParams;->createIntent()Landroid/content/Intent;
    move-result-object v1
    invoke-virtual {v1}, Landroid/content/Intent;->getType()Ljava/lang/String;
    move-result-object v2
    if-eqz v2, :any
    const-string v3, "image/"
    invoke-virtual {v2, v3}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v3
    if-nez v3, :typed
    const-string v3, "audio/"
    invoke-virtual {v2, v3}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v3
    if-nez v3, :typed
    # phones give tables many types, and a filter would hide most of them
    :any
    const-string v2, "*/*"
    invoke-virtual {v1, v2}, Landroid/content/Intent;->setType(Ljava/lang/String;)Landroid/content/Intent;
    const-string v2, "android.intent.extra.MIME_TYPES"
    invoke-virtual {v1, v2}, Landroid/content/Intent;->removeExtra(Ljava/lang/String;)V
    :typed
    iget-object v2, v0, Lafield/phone/MainActivity;->choosing:Landroid/webkit/ValueCallback;
    if-eqz v2, :free
    const/4 v3, 0x0
    invoke-interface {v2, v3}, Landroid/webkit/ValueCallback;->onReceiveValue(Ljava/lang/Object;)V
    :free
    const/4 v3, 0x1
    iput-object p2, v0, Lafield/phone/MainActivity;->choosing:Landroid/webkit/ValueCallback;
    invoke-virtual {v0, v1, v3}, Lafield/phone/MainActivity;->start(Landroid/content/Intent;I)Z
    move-result v4
    if-nez v4, :end
    const/4 v3, 0x0
    iput-object v3, v0, Lafield/phone/MainActivity;->choosing:Landroid/webkit/ValueCallback;
    :end
    return v4
.end method
