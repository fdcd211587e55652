# The app's one screen: a WebView with the page, and what the page asks the phone for.
.class public final Lafield/phone/MainActivity;
.super Landroid/app/Activity;

# What the phone is asked for; onActivityResult gets it back.
.field static final CHOOSE:I = 0x1
.field static final SAVE:I = 0x2

# The page's questions that wait for an answer; null when there is none.
.field choosing:Landroid/webkit/ValueCallback;
.field asking:Landroid/webkit/PermissionRequest;
.field saving:Ljava/lang/String;

.method public constructor <init>()V
    .locals 0
    invoke-direct {p0}, Landroid/app/Activity;-><init>()V
    return-void
.end method

.method protected onCreate(Landroid/os/Bundle;)V
    .locals 3
    invoke-super {p0, p1}, Landroid/app/Activity;->onCreate(Landroid/os/Bundle;)V
    new-instance v0, Landroid/webkit/WebView;
    invoke-direct {v0, p0}, Landroid/webkit/WebView;-><init>(Landroid/content/Context;)V
    invoke-virtual {v0}, Landroid/webkit/WebView;->getSettings()Landroid/webkit/WebSettings;
    move-result-object v1
    const/4 v2, 0x1
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setJavaScriptEnabled(Z)V
    const/4 v2, 0x0
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setAllowFileAccess(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setMediaPlaybackRequiresUserGesture(Z)V
    new-instance v1, Lafield/phone/Pages;
    invoke-direct {v1, p0}, Lafield/phone/Pages;-><init>(Lafield/phone/MainActivity;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebViewClient(Landroid/webkit/WebViewClient;)V
    new-instance v1, Lafield/phone/Questions;
    invoke-direct {v1, p0}, Lafield/phone/Questions;-><init>(Lafield/phone/MainActivity;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebChromeClient(Landroid/webkit/WebChromeClient;)V
    new-instance v1, Lafield/phone/Saver;
    invoke-direct {v1, p0}, Lafield/phone/Saver;-><init>(Lafield/phone/MainActivity;)V
    const-string v2, "afieldPhone"
    invoke-virtual {v0, v1, v2}, Landroid/webkit/WebView;->addJavascriptInterface(Ljava/lang/Object;Ljava/lang/String;)V
    invoke-virtual {p0, v0}, Lafield/phone/MainActivity;->setContentView(Landroid/view/View;)V
    const-string v1, "https://appassets.androidplatform.net/"
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->loadUrl(Ljava/lang/String;)V
    return-void
.end method

# Start another app's screen; false when there is none for it.
.method start(Landroid/content/Intent;I)Z
    .locals 2
    :try_start
    invoke-virtual {p0, p1, p2}, Lafield/phone/MainActivity;->startActivityForResult(Landroid/content/Intent;I)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try_start .. :try_end} :none
    const/4 v0, 0x1
    return v0
    :none
    move-exception v0
    invoke-virtual {v0}, Landroid/content/ActivityNotFoundException;->getMessage()Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lafield/phone/MainActivity;->tell(Ljava/lang/String;)V
    const/4 v0, 0x0
    return v0
.end method

.method tell(Ljava/lang/String;)V
    .locals 1
    const/4 v0, 0x1
    invoke-static {p0, p1, v0}, Landroid/widget/Toast;->makeText(Landroid/content/Context;Ljava/lang/CharSequence;I)Landroid/widget/Toast;
    move-result-object v0
    invoke-virtual {v0}, Landroid/widget/Toast;->show()V
    return-void
.end method

# The page wants camera or microphone: the phone asks its owner, or knows the answer already.
.method ask(Landroid/webkit/PermissionRequest;)V
    .locals 6
    invoke-virtual {p1}, Landroid/webkit/PermissionRequest;->getResources()[Ljava/lang/String;
    move-result-object v0
    array-length v1, v0
    new-array v2, v1, [Ljava/lang/String;
    const/4 v3, 0x0
    :next
    if-ge v3, v1, :done
    aget-object v4, v0, v3
    const-string v5, "android.webkit.resource.VIDEO_CAPTURE"
    invoke-virtual {v4, v5}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v5
    if-eqz v5, :sound
    const-string v5, "android.permission.CAMERA"
    goto :wanted
    :sound
    const-string v5, "android.webkit.resource.AUDIO_CAPTURE"
    invoke-virtual {v4, v5}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v5
    if-eqz v5, :other
    const-string v5, "android.permission.RECORD_AUDIO"
    :wanted
    aput-object v5, v2, v3
    add-int/lit8 v3, v3, 0x1
    goto :next
    :other
    invoke-virtual {p1}, Landroid/webkit/PermissionRequest;->deny()V
    return-void
    :done
    iput-object p1, p0, Lafield/phone/MainActivity;->asking:Landroid/webkit/PermissionRequest;
    invoke-virtual {p0, v2, v3}, Lafield/phone/MainActivity;->requestPermissions([Ljava/lang/String;I)V
    return-void
.end method

.method public onRequestPermissionsResult(I[Ljava/lang/String;[I)V
    .locals 5
    iget-object v0, p0, Lafield/phone/MainActivity;->asking:Landroid/webkit/PermissionRequest;
    if-eqz v0, :end
    const/4 v1, 0x0
    iput-object v1, p0, Lafield/phone/MainActivity;->asking:Landroid/webkit/PermissionRequest;
    array-length v1, p3
    if-eqz v1, :deny
    const/4 v2, 0x0
    :next
    if-ge v2, v1, :grant
    aget v3, p3, v2
    if-nez v3, :deny
    add-int/lit8 v2, v2, 0x1
    goto :next
    :grant
    invoke-virtual {v0}, Landroid/webkit/PermissionRequest;->getResources()[Ljava/lang/String;
    move-result-object v4
    invoke-virtual {v0, v4}, Landroid/webkit/PermissionRequest;->grant([Ljava/lang/String;)V
    return-void
    :deny
    invoke-virtual {v0}, Landroid/webkit/PermissionRequest;->deny()V
    :end
    return-void
.end method

.method protected onActivityResult(IILandroid/content/Intent;)V
    .locals 3
    const/4 v0, 0x1
    if-ne p1, v0, :saved
    iget-object v0, p0, Lafield/phone/MainActivity;->choosing:Landroid/webkit/ValueCallback;
    if-eqz v0, :end
    const/4 v1, 0x0
    iput-object v1, p0, Lafield/phone/MainActivity;->choosing:Landroid/webkit/ValueCallback;
    invoke-static {p2, p3}, Landroid/webkit/WebChromeClient$FileChooserParams;->parseResult(ILandroid/content/Intent;)[Landroid/net/Uri;
    move-result-object v1
    invoke-interface {v0, v1}, Landroid/webkit/ValueCallback;->onReceiveValue(Ljava/lang/Object;)V
    return-void
    :saved
    const/4 v0, -0x1
    if-ne p2, v0, :end
    if-eqz p3, :end
    iget-object v0, p0, Lafield/phone/MainActivity;->saving:Ljava/lang/String;
    if-eqz v0, :end
    invoke-virtual {p3}, Landroid/content/Intent;->getData()Landroid/net/Uri;
    move-result-object v1
    if-eqz v1, :end
    invoke-virtual {p0, v1, v0}, Lafield/phone/MainActivity;->write(Landroid/net/Uri;Ljava/lang/String;)V
    :end
    return-void
.end method

.method write(Landroid/net/Uri;Ljava/lang/String;)V
    .locals 3
    :try_start
    invoke-virtual {p0}, Lafield/phone/MainActivity;->getContentResolver()Landroid/content/ContentResolver;
    move-result-object v0
    const-string v1, "wt"
    invoke-virtual {v0, p1, v1}, Landroid/content/ContentResolver;->openOutputStream(Landroid/net/Uri;Ljava/lang/String;)Ljava/io/OutputStream;
    move-result-object v0
    const-string v1, "UTF-8"
    invoke-virtual {p2, v1}, Ljava/lang/String;->getBytes(Ljava/lang/String;)[B
    move-result-object v1
    invoke-virtual {v0, v1}, Ljava/io/OutputStream;->write([B)V
    invoke-virtual {v0}, Ljava/io/OutputStream;->close()V
    :try_end
    .catch Ljava/lang/Exception; {:try_start .. :try_end} :failed
    return-void
    :failed
    move-exception v0
    invoke-virtual {v0}, Ljava/lang/Exception;->toString()Ljava/lang/String;
    move-result-object v0
    invoke-virtual {p0, v0}, Lafield/phone/MainActivity;->tell(Ljava/lang/String;)V
    return-void
.end method
